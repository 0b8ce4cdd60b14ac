import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';
import { parseJsonObject } from './json.js';

/** Reads a JSON object from a file; undefined if there is no file. @throws IoError if the file is not a JSON object. */
export async function readJson(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  checkArguments('readJson', { path }, { path: 'string' });

  try {
    return parseJsonObject('readJson', `'${path}'`, await readFile(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}

/** Writes a value as indented JSON, as {@link writeFileAtomic} writes. */
export function writeJson(path: string, value: unknown): Promise<void> {
  checkArguments('writeJson', { path, value }, { path: 'string', 'value?': 'any' });

  return writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
