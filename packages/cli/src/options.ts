import type { Rgb } from '@dpar/eval';
import colorString from 'color-string';
import { UsageError } from './errors.js';

/** One option of a command: what its help shows and how its text is read. */
export interface Option<V> {
  readonly description: string;
  /** Name of the value in the help; an option without one is a switch. */
  readonly value?: string;
  /** Reads the text. @throws UsageError `expected X, got Y` */
  readonly parse?: (text: string) => V;
  readonly required?: boolean;
  /** An older name of the option, which still works. */
  readonly alias?: string;
  /** The option may be given several times, with one or more values each. */
  readonly repeated?: boolean;
  /** Value of a missing option. */
  readonly fallback?: V;
  readonly output?: OutputPlace;
}

/**
 * What a path that is written must be, which is checked before the command runs: a file, a folder, that of the two which its
 * ending asks for, or any of them.
 */
export type OutputPlace = 'file' | 'folder' | 'ending' | 'any';

/** The options of a command by their camelCase names: `topK` is written `--top-k`. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of {@link Options}. */
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer V> ? V : never };

/** How the text of a value is read. */
export interface Kind<V> {
  readonly value: string;
  readonly parse: (text: string) => V;
  readonly output?: OutputPlace;
}

/** An option that must be given. */
export function required<V>(kind: Kind<V>, description: string): Option<V> {
  return { ...kind, description, required: true };
}

/** An option that may be left out. */
export function optional<V>(kind: Kind<V>, description: string): Option<V | undefined>;
/** An option with a value of its own if it is left out. */
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

/** An option that may be given several times. */
export function repeated<V>(kind: Kind<V>, description: string): Option<readonly V[]> {
  return { ...kind, description, repeated: true, fallback: [] } as unknown as Option<readonly V[]>;
}

function refuse(expected: string, text: string, remedy = ''): never {
  throw new UsageError(`expected ${expected}, got '${text}'${remedy && `. ${remedy}`}`);
}

/** Text that is no option: what follows a forgotten value would otherwise be taken for it. */
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

/** Outputs of a feature network by what they are taken for. */
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
/** A file that is written. */
export const outputFile: Kind<string> = { ...file, output: 'file' };
/** A folder that is written. */
export const outputFolder: Kind<string> = { ...folder, output: 'folder' };
/** A path that is written. */
export const outputPath = (output: OutputPlace): Kind<string> => ({ ...path, output });

const numeral = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** A finite number in a range. @param remedy What to do where the number is too small: a sentence. */
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

/** The whole number that a text is; NaN for other texts. Beyond 2^53 - 1 it may be another one, of a neighbour. */
function wholeNumberOf(text: string): number {
  return /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** A whole number in a range, without one up to 2^53 - 1. Larger ones would lose their last digits. */
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

/** Bytes of a unit of size. */
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

/** One of some words. */
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
  parse: (text) => {
    const [red, green, blue, alpha] = colorString.get.rgb(text.trim().toLowerCase()) ?? [];
    const parts = [red, green, blue].map((part) => Math.round(part ?? Number.NaN));
    if (alpha !== 1 || !parts.every((part) => part >= 0 && part <= 255)) {
      return refuse('an opaque colour, such as white, black or #ff8800', text);
    }
    return parts as unknown as Rgb;
  },
};

/** Part `index` of `count` equal parts of the work. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** `i/n`: part i of n, counted from 0. */
export const shard: Kind<Shard> = {
  value: 'I/N',
  parse: (text) => {
    const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
    const fits = index !== undefined && count !== undefined && Number.isSafeInteger(count) && index < count;
    return fits ? { index, count } : refuse('a part and a number of parts, from 0/4 to 3/4', text);
  },
};

/** `first:end`: whole numbers from `first` up to, but not with, `end`. */
export const interval: Kind<readonly [number, number]> = {
  value: 'FIRST:END',
  parse: (text) => {
    const [, first, end] = /^(\d{1,9}):(\d{1,9})$/.exec(text)?.map(Number) ?? [];
    const fits = first !== undefined && end !== undefined && first <= end;
    return fits ? [first, end] : refuse('FIRST:END with FIRST up to END, such as 16:256', text);
  },
};

/** `key=value`, as it stands. */
export const assignment: Kind<string> = {
  value: 'KEY=VALUE',
  parse: (text) => (/^[^=\s]+=/.test(text) ? text : refuse('key=value', text)),
};
