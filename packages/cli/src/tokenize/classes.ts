import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson } from '@dpar/io/node';
import { CommandError } from '../errors.js';

/** Name of the file with the names of the classes, a list in the order of their numbers. */
export const classesFile = 'classes.json';

/** Leaves the names of the classes beside tokens. */
export async function writeClasses(folder: string, classes: readonly string[]): Promise<void> {
  await writeJson(join(folder, classesFile), classes);
}

/** The names of the classes beside tokens, if there are any. @throws CommandError if the file holds something else. */
export async function readClasses(folder: string): Promise<readonly string[] | undefined> {
  const path = join(folder, classesFile);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (text === undefined) return undefined;
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch {
    names = undefined;
  }
  const isName = (name: unknown) => typeof name === 'string' && name !== '' && !/^\.|[/\\]/.test(name);
  if (Array.isArray(names) && names.every(isName)) return names;
  throw new CommandError(
    `expected a list of names of folders in '${path}', got something else. Remove it or make it again.`,
  );
}
