import { parseColor, type Rgb } from '@dpar/images';
import { UsageError } from './errors.js';

/** An option of a command: its help and the parser of its value. */
export interface Option<V> {
  readonly description: string;
  /** Name of the value in the help. An option without it is a switch. */
  readonly value?: string;
  /** Reads the text. @throws UsageError `expected X, got Y` */
  readonly parse?: (text: string) => V;
  readonly required?: boolean;
  /** An argument without a name, such as PICTURES in `dpar create PICTURES`. Its `value` is shown in the help. */
  readonly positional?: boolean;
  /** An older name of the option, which still works. */
  readonly alias?: string;
  /** The option accepts several values and can be given several times. */
  readonly repeated?: boolean;
  /** Value of a missing option. */
  readonly fallback?: V;
  readonly output?: OutputPlace;
}

/**
 * Kind of an output, which is checked before the command runs: a file, a folder, the one that the ending of the path
 * determines, or either.
 */
export type OutputPlace = 'file' | 'folder' | 'ending' | 'any';

/** Options of a command by their camelCase names: `topK` is `--top-k` on the command line. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** Values of {@link Options}. */
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer V> ? V : never };

/** Kind of a value: its name in the help and its parser. */
export interface Kind<V> {
  readonly value: string;
  readonly parse: (text: string) => V;
  readonly output?: OutputPlace;
}

/** An option that must be given. */
export function required<V>(kind: Kind<V>, description: string): Option<V> {
  return { ...kind, description, required: true };
}

/**
 * An argument without a name.
 * @param name Its name in the help, such as `PICTURES`.
 * @param fallback Value of a missing argument. Without it the argument must be given.
 */
export function positional<V>(name: string, kind: Kind<V>, description: string, fallback?: NoInfer<V>): Option<V> {
  const rest = fallback === undefined ? { required: true } : { fallback };
  return { ...kind, value: name, description, positional: true, ...rest };
}

/** An optional option. */
export function optional<V>(kind: Kind<V>, description: string): Option<V | undefined>;
/** An optional option with a default value. */
export function optional<V>(kind: Kind<V>, description: string, fallback: NoInfer<V>): Option<V>;
export function optional<V>(kind: Kind<V>, description: string, fallback?: V): Option<V | undefined> {
  return fallback === undefined ? { ...kind, description } : { ...kind, description, fallback };
}

/** An option that also has an older name. */
export function withAlias<V>(alias: string, option: Option<V>): Option<V> {
  return { ...option, alias };
}

/** A switch. */
export function flag(description: string): Option<boolean> {
  return { description, fallback: false };
}

/** An option that accepts several values. */
export function repeated<V>(kind: Kind<V>, description: string): Option<readonly V[]> {
  return { ...kind, description, repeated: true, fallback: [] } as unknown as Option<readonly V[]>;
}

function refuse(expected: string, text: string, remedy = ''): never {
  throw new UsageError(`expected ${expected}, got '${text}'${remedy && `. ${remedy}`}`);
}

/** Parser of text that is not an option: after a forgotten value, the next option is not taken as the value. */
function textOf(what: string): (text: string) => string {
  return (text) => (text === '' || text.startsWith('--') ? refuse(what, text) : text);
}

export const file: Kind<string> = { value: 'FILE', parse: textOf('the path of a file') };
export const folder: Kind<string> = { value: 'DIR', parse: textOf('the path of a folder') };
export const path: Kind<string> = { value: 'PATH', parse: textOf('a path') };

/** Any text, such as a name. */
export function text(value: string, what: string): Kind<string> {
  return { value, parse: textOf(what) };
}

/** A model folder by its path, the folder of a run that has one, or the name of a package with one. */
export const modelName: Kind<string> = text('MODEL', 'a model');

/** Names of a feature network's outputs by their use. */
export const outputNames: Kind<{ pool?: string; spatial?: string; logits?: string }> = {
  value: 'KIND=NAME',
  parse: (list) => {
    const entries = list.split(',').map((entry) => {
      const [, kind = 'pool', name = ''] = /^(?:(pool|spatial|logits)=)?([^=]+)$/.exec(entry.trim()) ?? [];
      return name === '' ? refuse('names of outputs, such as pool=pooler_output,logits=logits', list) : [kind, name];
    });
    const kinds = new Set(entries.map(([kind]) => kind));
    return kinds.size === entries.length
      ? Object.fromEntries(entries)
      : refuse('one name for each of pool, spatial and logits', list);
  },
};
/** An output file. */
export const outputFile: Kind<string> = { ...file, output: 'file' };
/** An output folder. */
export const outputFolder: Kind<string> = { ...folder, output: 'folder' };
/** An output path. */
export const outputPath = (output: OutputPlace): Kind<string> => ({ ...path, output });

const numeral = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** A finite number in a range. @param remedy Sentence for the error about a number that is too small. */
export function number(range: { above?: number; from?: number; to?: number } = {}, remedy = ''): Kind<number> {
  const { above = Number.NEGATIVE_INFINITY, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = range;
  const bounds = [
    above > Number.NEGATIVE_INFINITY ? `above ${above}` : '',
    from > Number.NEGATIVE_INFINITY ? `from ${from}` : '',
    to < Number.POSITIVE_INFINITY ? `up to ${to}` : '',
  ];
  const expected = ['a number', ...bounds.filter((bound) => bound !== '')].join(' ');
  return {
    value: 'NUMBER',
    parse: (text) => {
      const value = numeral.test(text) ? Number(text) : Number.NaN;
      if (Math.abs(value) === Number.POSITIVE_INFINITY) return refuse(`${expected} of double precision`, text);
      const fits = value > above && value >= from && value <= to;
      return fits ? value : refuse(expected, text, value <= above || value < from ? remedy : '');
    },
  };
}

/** Whole number of a text; NaN for other texts. Above 2^53 - 1 it is rounded. */
function wholeNumberOf(text: string): number {
  return /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** A whole number in a range. The largest is 2^53 - 1: larger numbers lose their last digits. */
export function wholeNumber(from: number, to: number = Number.MAX_SAFE_INTEGER): Kind<number> {
  const expected = `a whole number from ${from}`;
  return {
    value: 'NUMBER',
    parse: (text) => {
      const value = wholeNumberOf(text);
      if (value >= from && value <= to) return value;
      return refuse(`${expected}${to < Number.MAX_SAFE_INTEGER || value > to ? ` to ${to}` : ' up'}`, text);
    },
  };
}

/** Bytes of each unit. */
const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** A number of bytes from 1 up, such as 500MB (10^6 bytes each), 2GB or 4GiB (2^30 bytes each). */
export const byteSize: Kind<number> = {
  value: 'SIZE',
  parse: (text) => {
    const [, digits, unit = 'b'] = /^(\d+(?:\.\d+)?) ?([a-z]+)?$/i.exec(text) ?? [];
    const bytes = Math.floor(Number(digits) * (units[unit.toLowerCase()] ?? Number.NaN));
    return Number.isSafeInteger(bytes) && bytes >= 1
      ? bytes
      : refuse(
          bytes > Number.MAX_SAFE_INTEGER ? 'a size up to 8000TiB' : 'a size from 1 byte up, such as 2GB or 500MB',
          text,
        );
  },
};

/** One of several words. */
export function choice<const V extends string>(values: readonly V[]): Kind<V> {
  const expected = `one of ${values.join(', ')}`;
  return {
    value: values.join('|'),
    parse: (text) => values.find((value) => value === text) ?? refuse(expected, text),
  };
}

/** An opaque colour, as CSS writes it: white, #ffffff, #fff, rgb(255, 255, 255) ... */
export const color: Kind<Rgb> = {
  value: 'COLOR',
  parse: (text) => parseColor(text) ?? refuse('an opaque colour, such as white, black or #ff8800', text),
};

/** Shard `index` of `count` equal shares of the work, counted from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** `i/n`: shard i of n, counted from 0. */
export const shard: Kind<Shard> = {
  value: 'I/N',
  parse: (text) => {
    const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
    const fits = index !== undefined && count !== undefined && Number.isSafeInteger(count) && index < count;
    return fits ? { index, count } : refuse('a shard and the number of shards, such as 0/4 to 3/4', text);
  },
};

/** `first:end`: whole numbers from `first` to `end - 1`. */
export const interval: Kind<readonly [number, number]> = {
  value: 'FIRST:END',
  parse: (text) => {
    const [, first, end] = /^(\d{1,9}):(\d{1,9})$/.exec(text)?.map(Number) ?? [];
    const fits = first !== undefined && end !== undefined && first <= end;
    return fits ? [first, end] : refuse('FIRST:END with FIRST up to END, such as 16:256', text);
  },
};

/** `key=value`, unparsed. */
export const assignment: Kind<string> = {
  value: 'KEY=VALUE',
  parse: (text) => (/^[^=\s]+=/.test(text) ? text : refuse('key=value', text)),
};

/** Options of all commands. */
export const globals = {
  engine: optional(choice(['ort', 'tfjs']), 'engine: ONNX Runtime or TensorFlow.js', 'ort'),
  device: optional(choice(['cpu', 'webgpu', 'cuda']), 'device to compute on', 'cpu'),
  precision: optional(choice(['float32', 'float16']), 'type of products; float16 needs --device webgpu', 'float32'),
  threads: optional(
    wholeNumber(1, 1024),
    'number of threads (default: the cores that taskset, Slurm or the container allow)',
  ),
  json: flag('print one JSON document on stdout, and nothing else there'),
  quiet: flag('show no progress and no notes'),
  debug: flag('show the stack trace of an error'),
} satisfies Options;

/** Values of {@link globals}. */
export type Globals = Values<typeof globals>;
