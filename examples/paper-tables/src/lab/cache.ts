import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { makeFolder } from '@dpar/io/node';

/** A digest of a JSON value, whatever the order of its keys: 16 hexadecimal digits. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
    .slice(0, 16);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => [key, sorted(entry)]));
}

/** What was computed once is read from the disk from then on, found by a digest of all that decides on it. */
export class Cache {
  constructor(readonly folder: string) {}

  /** Path of an entry, whose folder is there afterwards. @param kind Folder of entries of a kind. */
  async place(kind: string, name: string): Promise<string> {
    await makeFolder(join(this.folder, kind));
    return join(this.folder, kind, name);
  }
}
