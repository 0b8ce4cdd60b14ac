import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { makeFolder } from '@dpar/io/node';

/** Digest of a JSON value, independent of the order of keys: 16 hexadecimal digits. */
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

/** Folder of computed results, each found by a digest of everything that determines it. */
export class Cache {
  constructor(readonly folder: string) {}

  /** Makes the folder of a kind of entry. @returns The path of the entry in it. */
  async place(kind: string, name: string): Promise<string> {
    await makeFolder(join(this.folder, kind));
    return join(this.folder, kind, name);
  }
}
