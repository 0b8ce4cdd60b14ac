import { join } from 'node:path';
import { publishedPackages, root } from '@dpar/config/published';
import type ts from 'typescript';

/** A parameter of a public function. */
interface Parameter {
  /** True for an object of options or of a configuration, whose names are known. */
  readonly isOptions: boolean;
}

/** A function, constructor or method that a published package exports. */
export interface PublicFunction {
  /** The entry point, as users import it. */
  readonly entry: string;
  /** `applyRotary`, `AdamW`, `AdamW.update` */
  readonly name: string;
  /** The name that its errors begin with, as a pattern. */
  readonly says: string;
  readonly parameters: readonly Parameter[];
  /** Number of required arguments. */
  readonly required: number;
  /** Calls it; a method on an object that its constructor has not seen, as arguments are looked at first. */
  readonly call: (given: readonly unknown[]) => unknown;
}

/** Helpers with which engines check the arguments of their own methods; errors name those methods. */
const ofEngines: Readonly<Record<string, string>> = {
  checkCompileArguments: 'compile',
  checkCompileOptions: 'compile',
  checkHostTensor: 'run',
  checkDeviceRunArguments: 'runOnDevice',
  checkRunArguments: 'run',
  hostInput: 'run',
};

type Callable = (...given: readonly unknown[]) => unknown;

/** All functions, constructors and methods that the published packages export, from their sources. */
export async function publicFunctions(compiler: typeof ts): Promise<PublicFunction[]> {
  const entries = publishedPackages().flatMap(({ name, folder, manifest }) =>
    Object.entries(manifest.exports)
      .filter(([, target]) => typeof target === 'object')
      .map(([path, target]) => ({
        entry: name + path.slice(1),
        file: join(
          root,
          folder,
          (target as { default: string }).default.replace('/dist/', '/src/').replace(/\.js$/, '.ts'),
        ),
      })),
  );
  const settings = compiler.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {}, {
    ...compiler.sys,
    onUnRecoverableConfigFileDiagnostic: () => undefined,
  } as ts.ParseConfigFileHost);
  const program = compiler.createProgram(
    entries.map(({ file }) => file),
    settings?.options ?? {},
  );
  const checker = program.getTypeChecker();
  const found: PublicFunction[] = [];
  for (const { entry, file } of entries) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    const values = (await import(/* @vite-ignore */ file)) as Readonly<Record<string, unknown>>;
    for (const exported of module ? checker.getExportsOfModule(module) : []) {
      const { flags } = exported;
      const symbol = flags & compiler.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const declaration = symbol.valueDeclaration;
      const value = values[exported.name];
      if (declaration === undefined || typeof value !== 'function') continue;
      found.push(...functionsOf(compiler, checker, entry, exported.name, declaration, value as Callable));
    }
  }
  return found;
}

function functionsOf(
  compiler: typeof ts,
  checker: ts.TypeChecker,
  entry: string,
  name: string,
  declaration: ts.Declaration,
  value: Callable,
): PublicFunction[] {
  if (!compiler.isClassDeclaration(declaration)) {
    const [signature] = checker.getTypeAtLocation(declaration).getCallSignatures();
    const node = signature?.declaration;
    return node === undefined ? [] : [functionOf(entry, name, node as ts.FunctionDeclaration, value)];
  }
  // What a package throws takes a message, as all errors do; objects that files are made of are no more than data.
  if (/Error$|^Py[Tt]/.test(name) || name === 'Html') return [];
  return declaration.members.flatMap((member) => {
    const isHidden = compiler.getCombinedModifierFlags(member) & compiler.ModifierFlags.Private;
    if (isHidden || (member.name !== undefined && compiler.isPrivateIdentifier(member.name))) return [];
    if (compiler.isConstructorDeclaration(member)) {
      const construct: Callable = (...given) => Reflect.construct(value, given);
      return [functionOf(entry, name, member, construct)];
    }
    if (!compiler.isMethodDeclaration(member)) return [];
    const method = member.name.getText();
    const isStatic = compiler.getCombinedModifierFlags(member) & compiler.ModifierFlags.Static;
    const prototype = (value as unknown as { prototype: object }).prototype;
    const holder = (isStatic ? value : prototype) as Readonly<Record<string, Callable>>;
    const call: Callable = (...given) => holder[method]?.apply(Object.create(prototype) as object, [...given]);
    return [functionOf(entry, `${name}.${method}`, member, call)];
  });
}

function functionOf(entry: string, name: string, node: ts.SignatureDeclaration, value: Callable): PublicFunction {
  const parameters = node.parameters.filter((parameter) => parameter.name.getText() !== 'this');
  const isOptional = (p: ts.ParameterDeclaration): boolean =>
    /\bundefined$/.test(p.type?.getText() ?? '') ||
    p.questionToken !== undefined ||
    p.initializer !== undefined ||
    p.dotDotDotToken !== undefined;
  const required = parameters.findIndex(isOptional);
  return {
    entry,
    name,
    says: ofEngines[name] ?? name.replace('.', '\\.'),
    parameters: parameters.map((p) => ({ isOptions: /Options\b/.test(p.type?.getText() ?? '') })),
    required: required < 0 ? parameters.length : required,
    call: (given) => value(...given),
  };
}
