import { nearestNames } from '@dpar/check';
import { classesNamed, promptNamed, shownName } from '@dpar/io';
import { type ClassNames, readCheckpointClasses } from '@dpar/io/node';
import type { Label } from '@dpar/sampler';
import type { Context } from '../command/command.js';
import { UsageError } from '../command/errors.js';
import type { Kind } from '../command/options.js';

/** Part of a list of classes: numbers, a name, or a part of a name with commas. */
export interface ClassPart {
  /** Text on the command line. */
  readonly text: string;
  readonly numbers?: readonly number[];
  /** True for a name in double quotes, which are left out of `text`. */
  readonly isQuoted?: boolean;
}

/** Largest length of a range: 1000 times the classes of ImageNet. A longer one could fill the memory. */
const longestRange = 1_000_000;

/** A part of a list: a text in double quotes, in which two of them stand for one, or text up to the next comma. */
const listPart = /\s*"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*)/y;

/** Cuts a list at its commas, except within double quotes. A quoted part is always a name. */
function partsOfList(text: string): ClassPart[] {
  const parts: ClassPart[] = [];
  for (let at = 0; at <= text.length; at++) {
    listPart.lastIndex = at;
    const [part = '', quoted, plain = ''] = listPart.exec(text) ?? [];
    parts.push(quoted === undefined ? { text: plain } : { text: quoted.replaceAll('""', '"'), isQuoted: true });
    at += part.length; // to the comma
  }
  return parts;
}

/**
 * Classes separated by commas: whole numbers from 0 up, ranges such as `0-9`, and names. A name in double quotes may look like a
 * number or a range, and may contain commas; `""` in it is a double quote.
 */
export const classList: Kind<readonly ClassPart[]> = {
  value: 'LIST',
  parse: (text) =>
    partsOfList(text).map((named): ClassPart => {
      if (named.isQuoted) return named;
      const { text: part } = named;
      const [range, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
      if (range === undefined && part.trim() !== '' && !text.startsWith('--')) return { text: part };
      const count = Number(last) - Number(first) + 1;
      if (!(count >= 1 && count <= longestRange && Number.isSafeInteger(Number(last)))) {
        throw new UsageError(
          `expected whole numbers separated by commas, such as 0,3,4 or 0-9, or names of classes, got '${text}'`,
        );
      }
      return { text: part, numbers: Array.from({ length: count }, (_, i) => Number(first) + i) };
    }),
};

/** Number of names that an error suggests. */
const suggestions = 3;

/**
 * Resolves classes given by number or name to numbers. A number is never taken as a name. The name of a group of classes stands
 * for all of them. A text that names no class is a prompt, if the model knows some of its words.
 * @param checkpoint Folder of the model, which can hold the names.
 * @throws UsageError for an unknown name, with the nearest known names.
 */
export async function resolveClasses(
  parts: readonly ClassPart[],
  checkpoint: string,
  numClasses: number,
  context: Pick<Context, 'note'>,
): Promise<Label[]> {
  const known = await readCheckpointClasses(checkpoint, numClasses);
  const numbersOf = (name: string): number[] => classesNamed(name, known?.names ?? []);
  // Names can contain commas.
  const longestName = Math.max(1, ...(known?.names.map((name) => name.split(',').length) ?? []));
  const labels: Label[] = [];
  for (let first = 0; first < parts.length; ) {
    const part = parts[first] as ClassPart;
    if (part.numbers !== undefined) {
      const named = known?.names.indexOf(part.text.trim()) ?? -1;
      if (named >= 0 && named !== part.numbers[0]) {
        context.note(
          `--classes: ${part.text.trim()} means class ${part.text.trim()}, not class ${named}, which has that name; ` +
            `write "${part.text.trim()}" in double quotes for the name`,
        );
      }
      labels.push(...part.numbers);
      first++;
      continue;
    }
    const text = (end: number): string => (part.isQuoted ? part.text : joined(parts.slice(first, end)));
    const quoted = parts.findIndex((other, i) => i >= first && other.isQuoted);
    const most = part.isQuoted ? 1 : Math.min(longestName, (quoted < 0 ? parts.length : quoted) - first);
    const ends = Array.from({ length: most }, (_, i) => first + i + 1);
    const end = ends.findLast((end) => numbersOf(text(end)).length > 0);
    if (end === undefined) labels.push(promptOf(text(first + 1), checkpoint, known, context));
    else labels.push(...numbersOf(text(end)));
    first = end ?? first + 1;
  }
  return labels;
}

/** Words of a text that the model knows. @throws UsageError if it knows none. */
function promptOf(
  text: string,
  checkpoint: string,
  known: ClassNames | undefined,
  context: Pick<Context, 'note'>,
): readonly number[] {
  const { words, unknown } = promptNamed(text, known?.names ?? []);
  if (words.length === 0) throw new UsageError(`--classes: ${describeUnknownClass(text, checkpoint, known)}`);
  if (unknown.length > 0) {
    const listed = unknown.map((word) => `'${word}'`).join(', ');
    context.note(`--classes: the model does not know ${listed}, and draws the other words of '${text}'`);
  }
  return words;
}

/** Class of a label for files that have one: that of the first word of a prompt. */
export const firstClass = (label: Label): number => (typeof label === 'number' ? label : (label[0] ?? 0));

/** Text of a label that others do not have: `4`, or `3+17` for a prompt. */
export const labelKey = (label: Label): string =>
  typeof label === 'number' ? `${label}` : Array.from(label).join('+');

/** Number of different labels. */
export const differentLabels = (labels: readonly Label[]): number => new Set(labels.map(labelKey)).size;

/**
 * Names of a model's classes for labels, by number: `#5` for a class without a name, and a name for the null class.
 * @param checkpoint Folder of the model.
 * @returns `undefined` if the names are unknown
 */
export async function labelNames(checkpoint: string, numClasses: number): Promise<readonly string[] | undefined> {
  const known = await readCheckpointClasses(checkpoint, numClasses);
  return known && withNumbers(known.names, numClasses);
}

/** Names for labels, see {@link labelNames}. */
export function withNumbers(names: readonly string[], numClasses: number): string[] {
  return [...Array.from({ length: numClasses }, (_, number) => shownName(names[number] ?? `#${number}`)), 'no class'];
}

const joined = (parts: readonly ClassPart[]): string =>
  parts
    .map(({ text }) => text)
    .join(',')
    .trim();

/**
 * Message about an unknown name of a class, with the nearest known names.
 * @param place Folder or file without names, if no names are known.
 */
export function describeUnknownClass(name: string, place: string, known: ClassNames | undefined): string {
  if (known === undefined) {
    return (
      `expected whole numbers such as 0,3,4 or 0-9, got '${name}'. ` +
      `'${place}' has no names of classes. Write them to its classes.json, in order.`
    );
  }
  const nearest = nearestNames(name, known.names.map(shownName), suggestions);
  const shown = nearest.map((other) => `'${other}'`).join(', ');
  return `expected numbers or names of classes in '${known.path}', got '${name}'. The nearest names are ${shown}.`;
}
