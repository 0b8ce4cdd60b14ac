import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Keys of JSON that hold times or rates, and the number of graphs that a process compiled. */
const timedKey = /seconds$|per_second$|^graphs$|_at$|^(date|time|duration)$/i;

/** True for an entry that a writer hides until it is complete. */
export const isHidden = (path: string): boolean => path.split(sep).some((name) => name.startsWith('.'));

/** All entries below a folder, hidden ones too, by their paths there. A folder that vanishes meanwhile is empty. */
export function entriesBelow(folder: string, below = ''): string[] {
  let entries: ReturnType<typeof listing>;
  try {
    entries = listing(join(folder, below));
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? entriesBelow(folder, path) : [path];
  });
}

const listing = (path: string) => readdirSync(path, { withFileTypes: true });

/**
 * Digests of the visible files below a folder, by their paths there.
 * @param timed Files with times in them: JSON without these, and only the names of others.
 */
export function contentsOf(folder: string, timed?: RegExp): Map<string, string> {
  const paths = entriesBelow(folder).filter((path) => !isHidden(path));
  return new Map(paths.sort().map((path) => [path, digestOf(join(folder, path), timed?.test(path) ?? false)]));
}

function digestOf(path: string, isTimed: boolean): string {
  const content = readFileSync(path);
  if (!isTimed) return createHash('sha256').update(content).digest('hex');
  if (!/\.jsonl?$/.test(path)) return '';
  const documents = path.endsWith('.jsonl') ? content.toString().trimEnd().split('\n') : [content.toString()];
  return documents.map((text) => JSON.stringify(withoutTimes(JSON.parse(text)))).join('\n');
}

function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !timedKey.test(key));
  return Object.fromEntries(kept.map(([key, entry]) => [key, withoutTimes(entry)]));
}

/** Files that differ between two contents, each with what is wrong with it. */
export function differencesOf(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...expected.keys(), ...found.keys()]);
  return [...paths].flatMap((path) => {
    const [before, after] = [expected.get(path), found.get(path)];
    if (before === after) return [];
    return [`'${path}' ${after === undefined ? 'is missing' : before === undefined ? 'is new' : 'differs'}`];
  });
}
