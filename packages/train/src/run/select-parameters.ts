import { classesNamed, isWord, promptNamed } from '@dpar/io';
import { type Architecture, hasNullClass, type Json } from '@dpar/nn';
import { float32, formatType, type HostTensor, named, sameShape, type Tensors } from '@dpar/tensor';

/** Weights that another model starts from. */
export interface SourceWeights extends Architecture {
  /** By official name, float32. */
  readonly parameters: Tensors<HostTensor>;
  /** Names of its classes, in order, if they are known. */
  readonly classes: readonly string[] | undefined;
}

/** Account of the parameters whose names begin alike, such as `layers` or `encoder`. */
export interface StartPart {
  /** First part of their names. */
  readonly name: string;
  /** Numbers in these parameters. */
  readonly parameters: number;
  /** Numbers among them that come from the source. */
  readonly taken: number;
  /** Phrases on what does not come from the source as it is, with the reason. */
  readonly notes: readonly string[];
}

/** Result of {@link selectParameters}. */
export interface SelectedParameters {
  /** All parameters of the model. */
  readonly parameters: Record<string, HostTensor>;
  /** Names of the parameters that come whole from the source. */
  readonly whole: ReadonlySet<string>;
  /** In the order of the model. */
  readonly parts: readonly StartPart[];
  /** Names of parameters of the source that the model does not have. */
  readonly unused: readonly string[];
}

/** First part of a parameter's name. */
export const partOf = (name: string): string => name.split('.', 1)[0] as string;

/**
 * Selects the parameters that a model of any kind takes from other weights: those of the same name and shape. It keeps its own
 * for the rest.
 *
 * The rows of a class table are those of the classes with the same names. If the names of either model are unknown, tables of
 * the same size are taken whole, and no class of others. The row of the null class is always taken. The row of a new
 * class starts as the mean of the source's classes.
 * @param drawn Initial parameters of the model.
 * @param classes Names of the model's classes, in order, if they are known.
 */
export function selectParameters(
  { kind, config }: Architecture,
  source: SourceWeights,
  drawn: Tensors<HostTensor>,
  classes: readonly string[] | undefined,
): SelectedParameters {
  const sides: Sides = {
    own: kind.writeConfig(config),
    given: source.kind.writeConfig(source.config),
    classes,
    givenClasses: source.classes,
  };
  const names = Object.keys(kind.specs(config));
  const choices = new Map(
    names.map((name) => [name, choose(name, named(drawn, name), own(source.parameters, name), sides)]),
  );
  const isWhole = (name: string): boolean => choices.get(name)?.taken === named(drawn, name).data.length;
  return {
    parameters: Object.fromEntries(Array.from(choices, ([name, { tensor }]) => [name, tensor])),
    whole: new Set(names.filter(isWhole)),
    parts: [...new Set(names.map(partOf))].map((part) => accountOf(part, drawn, choices)),
    unused: Object.keys(source.parameters).filter((name) => !choices.has(name)),
  };
}

const own = (tensors: Tensors<HostTensor>, name: string): HostTensor | undefined =>
  Object.hasOwn(tensors, name) ? tensors[name] : undefined;

/** Keys of config.json and names of classes of both models: of the one that starts, and of the one whose weights are given. */
interface Sides {
  readonly own: Json;
  readonly given: Json;
  readonly classes: readonly string[] | undefined;
  readonly givenClasses: readonly string[] | undefined;
}

/** Values of a parameter. */
interface Choice {
  readonly tensor: HostTensor;
  /** Numbers that come from the source. */
  readonly taken: number;
  /** Reason why the parameter is drawn by the seed. Parameters with the same reason are noted together. */
  readonly drawn?: string;
  readonly notes?: readonly string[];
}

function accountOf(part: string, drawn: Tensors<HostTensor>, choices: ReadonlyMap<string, Choice>): StartPart {
  const ofPart = [...choices].filter(([name]) => partOf(name) === part);
  const count = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);
  const reasons = new Set(ofPart.flatMap(([, { drawn: reason }]) => reason ?? []));
  const notes = [...reasons].map((reason) => {
    const names = ofPart.flatMap(([name, choice]) => (choice.drawn === reason ? [name] : []));
    const [first, ...others] = names;
    const which =
      names.length === ofPart.length ? '' : ` (${first}${others.length > 0 ? ` and ${others.length} more` : ''})`;
    return `drawn by the seed${which}: ${reason}`;
  });
  return {
    name: part,
    parameters: count(ofPart.map(([name]) => named(drawn, name).data.length)),
    taken: count(ofPart.map(([, { taken }]) => taken)),
    notes: [...notes, ...ofPart.flatMap(([, { notes: more = [] }]) => more)],
  };
}

function choose(name: string, initial: HostTensor, given: HostTensor | undefined, sides: Sides): Choice {
  const draw = (reason: string): Choice => ({ tensor: initial, taken: 0, drawn: reason });
  if (given === undefined) return draw('not among the weights');
  if (name.startsWith('boundary_head.') && !sameNeighbours(sides)) return draw('the head reads other neighbours');
  if (name === classTable && given.shape[1] === initial.shape[1]) return classChoice(initial, given, sides);
  if (sameShape(given.shape, initial.shape)) return { tensor: given, taken: initial.data.length };
  if (vocabularyTables.has(name) && sides.own.vocab_size !== sides.given.vocab_size) {
    return draw(`a vocabulary of ${sides.own.vocab_size} codes, the weights have one of ${sides.given.vocab_size}`);
  }
  return draw(`expected ${formatType(initial)}, the weights have ${formatType(given)}`);
}

/** Tables with a row for each code. */
const vocabularyTables: ReadonlySet<string> = new Set(['tok_embeddings.weight', 'output.weight']);

/** True if two boundary heads read tokens at the same distances in rows and columns, also on grids of other sizes. */
function sameNeighbours({ own, given }: Sides): boolean {
  const [a, b] = [own, given].map(({ boundary_head, patching }) => {
    const { neighbours = [] } = Object(boundary_head) as { neighbours?: readonly number[] };
    const { row_length: columns = 1 } = Object(patching) as { row_length?: number };
    return neighbours.map((distance) => {
      const rows = Math.round(distance / columns);
      return [rows, distance - rows * columns];
    });
  });
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Table of class embeddings: a row for each class, then that of the null class, if the model has one. */
export const classTable = 'cls_embedding.embedding_table.weight';

/** Names of classes in a note. */
const mostNames = 8;

/** The rows of a class table: see {@link selectParameters}. */
function classChoice(initial: HostTensor, given: HostTensor, sides: Sides): Choice {
  const width = initial.shape[1] as number;
  const [count, givenCount] = [sides.own, sides.given].map(({ num_classes }) => Number(num_classes)) as [
    number,
    number,
  ];
  const [hasNull, givenNull] = [sides.own, sides.given].map((json) =>
    hasNullClass({ classDropoutProb: json.class_dropout_prob as number | undefined }),
  ) as [boolean, boolean];
  const { classes, givenClasses } = sides;
  const isNamed = classes !== undefined && givenClasses !== undefined;
  if (!isNamed && sameShape(given.shape, initial.shape) && hasNull === givenNull) {
    return { tensor: given, taken: initial.data.length };
  }
  const mean = meanRow(
    given.data,
    Array.from({ length: givenCount }, (_, row) => row),
    width,
  );
  const names = isNamed ? givenClasses.slice(0, givenCount) : [];
  const table = new Float32Array(initial.data.length);
  const fresh: string[] = [];
  const mixed: string[] = [];
  let taken = 0;
  const put = (row: number, from: readonly number[], label: string): void => {
    table.set(from.length > 0 ? meanRow(given.data, from, width) : mean, row * width);
    if (from.length === 0) fresh.push(label);
    else taken++;
    if (from.length > 1) mixed.push(`${label} (${from.length})`);
  };
  for (let row = 0; row < count; row++) {
    const name = classes?.[row];
    put(row, name === undefined ? [] : rowsNamed(name, names), name ?? String(row));
  }
  const classRows = taken;
  if (hasNull) put(count, givenNull ? [givenCount] : [], 'the null class');
  const takesNull = hasNull && givenNull;
  const takes = isNamed
    ? `takes ${classRows} of ${count} classes by name${takesNull ? ', and the null class' : ''}`
    : `takes ${takesNull ? 'only the null class' : 'no class'}: ${unnamed(sides)}`;
  return {
    tensor: float32([...initial.shape], table),
    taken: taken * width,
    notes: [
      takes,
      ...(mixed.length > 0 ? [`starts from the mean of several classes or words: ${listed(mixed)}`] : []),
      ...(fresh.length > 0
        ? [`starts from the mean of the ${givenCount} classes of the weights: ${listed(fresh)}`]
        : []),
    ],
  };
}

/**
 * Rows of the weights for a class: those that its name finds (see `classesNamed`), the class itself or all of a group; else those of
 * the words in its name.
 */
function rowsNamed(name: string, names: readonly string[]): readonly number[] {
  const found = classesNamed(name, names);
  return found.length > 0 || isWord(name) ? found : promptNamed(name, names).words;
}

/** Names of classes, shortened. */
function listed(labels: readonly string[]): string {
  const more = labels.length - mostNames;
  return `${labels.slice(0, mostNames).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function unnamed({ own, given, classes, givenClasses }: Sides): string {
  const missing = [...(givenClasses ? [] : ['the weights']), ...(classes ? [] : ['the training data'])].join(' and ');
  return `there are ${own.num_classes} classes in place of ${given.num_classes}, and ${missing} have no names of classes (classes.json)`;
}

/** Mean of some rows of a table, in double precision. */
function meanRow(table: ArrayLike<number>, rows: readonly number[], width: number): Float32Array {
  const sums = new Float64Array(width);
  for (const row of rows) {
    for (let i = 0; i < width; i++) (sums[i] as number) += table[row * width + i] as number;
  }
  return Float32Array.from(sums, (sum) => sum / rows.length);
}
