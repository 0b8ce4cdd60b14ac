import { type DeclarationReflection, type ProjectReflection, ReflectionKind } from 'typedoc';

/** Numbers that need no word: counts, places and sizes whose names say what they are, and fields' standard symbols. */
const plainNumbers =
  /^(width|height|rows|columns|classes|splits|count|images|tokens|index|position|start|length|step|done|total|seed|stride|dim|nHead|nLayer|\w*Size|\w*Classes|low|high|mean|deviation|relative|absolute|value|learningRate|\w+(Gmacs|Percent|Seconds|PerSecond|Bytes))$/;

/**
 * Members of exported interfaces and classes that lack a comment. Tensors and arrays of numbers need one for their
 * shape, unless the comment of the interface gives it. Numbers need one if their name does not imply their meaning.
 */
export function findBareMembers(project: ProjectReflection): string[] {
  return project
    .getReflectionsByKind(ReflectionKind.Property)
    .filter((member): member is DeclarationReflection => member.isDeclaration())
    .filter(({ parent }) => parent?.kindOf(ReflectionKind.Interface | ReflectionKind.Class))
    .filter((member) => !member.hasComment() && isBare(member))
    .map((member) => `${member.parent?.name}.${member.name}: ${member.type}`);
}

function isBare({ name, type, parent }: DeclarationReflection): boolean {
  const text = type?.toString() ?? '';
  if (text === 'number') return !plainNumbers.test(name);
  const hasShape = parent?.comment?.summary.some((part) => /\[.*\]/s.test(part.text)) ?? false;
  return /^(T|\w*(HostTensor|Float32Array|Float64Array|Int32Array|Uint8Array|ArrayLike).*)$/.test(text) && !hasShape;
}
