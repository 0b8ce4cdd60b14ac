import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findFolder } from './atomic-folder.js';
import { checkArguments } from './check-arguments.js';
import { isWord } from './classes-named.js';
import { IoError } from './error.js';
import { writeJson } from './json-file.js';
import { isSystemEntry } from './system-entry.js';

/** Name of the file with the names of the classes, beside tokens and in a checkpoint: a JSON list in the order of numbers. */
export const classesFile = 'classes.json';

/** Names of classes. */
export interface ClassNames {
  /** File of the list, for messages. */
  readonly path: string;
  /** Names in the order of the classes' numbers. */
  readonly names: readonly string[];
}

/**
 * Checks a list of names of classes, which are also names of folders. A slash sets a group before a name: `animals/cat`. With nothing
 * before the slash it is a word: `/red`. Words follow the classes.
 * @param path File of the list, for messages.
 * @throws IoError naming an invalid or repeated name.
 */
export function checkClassNames(path: string, value: unknown): ClassNames {
  checkArguments('checkClassNames', { path, value }, { path: 'string', value: 'any' });
  const fail = (got: string): never => {
    throw new IoError(
      `checkClassNames: expected a list of different names of folders in '${path}', got ${got}. Correct or remove it.`,
    );
  };
  if (!Array.isArray(value))
    return fail(value === null ? 'null' : typeof value === 'object' ? 'an object' : typeof value);
  if (value.length === 0) return fail('an empty list');
  const numbers = new Map<unknown, number>();
  for (const [number, name] of value.entries()) {
    if (typeof name !== 'string' || !partsOf(name).every(isFolderName)) {
      return fail(`${JSON.stringify(name)} as class ${number}`);
    }
    const other = numbers.get(name);
    if (other !== undefined) return fail(`'${name}' as classes ${other} and ${number}`);
    if (!isWord(name) && number > 0 && isWord(value[number - 1])) {
      return fail(`the word '${value[number - 1]}' before the class '${name}'`);
    }
    numbers.set(name, number);
  }
  return { path, names: value };
}

/** Parts of a name between slashes; of a word, its text. */
const partsOf = (name: string): string[] => (isWord(name) ? [name.slice(1)] : name.split('/'));

const isFolderName = (text: string): boolean => text !== '' && !isSystemEntry(text) && !/[\\/]/.test(text);

/** Writes the names of classes into a folder. */
export async function writeClassNames(folder: string, names: readonly string[]): Promise<void> {
  checkArguments('writeClassNames', { folder, names }, { folder: 'string', names: 'string[]' });
  await writeJson(join(folder, classesFile), names);
}

/**
 * Reads a list of names of classes.
 * @param path File of the list, such as `classes.json`.
 * @returns `undefined` if there is no such file
 * @throws IoError if the list is damaged.
 */
export async function readClassList(path: string): Promise<ClassNames | undefined> {
  checkArguments('readClassList', { path }, { path: 'string' });
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
  });
  return text === undefined ? undefined : parseClassNames(path, text);
}

/**
 * Reads names of classes from the text of a JSON list.
 * @param path File of the list, for messages.
 * @throws IoError if the list is damaged.
 */
export function parseClassNames(path: string, text: string): ClassNames {
  checkArguments('parseClassNames', { path, text }, { path: 'string', text: 'string' });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new IoError(
      `parseClassNames: expected a JSON list of names in '${path}', got damaged JSON (${(error as Error).message}). ` +
        'Correct or remove it.',
      { cause: error },
    );
  }
  return checkClassNames(path, value);
}

/**
 * Reads the names of a model's classes, from `classes.json` in the folder of its checkpoint or beside that folder.
 * @param numClasses Number of classes of the model. A list beside the folder must have that many names; without the number
 * it is ignored.
 * @returns `undefined` if the names are unknown
 * @throws IoError if the list is damaged.
 */
export async function readCheckpointClasses(folder: string, numClasses?: number): Promise<ClassNames | undefined> {
  checkArguments('readCheckpointClasses', { folder, numClasses }, { folder: 'string', 'numClasses?': 'number' });
  const found = (await findFolder(folder)) ?? folder;
  const own = await readClassList(join(found, classesFile));
  if (own !== undefined) return own;
  if (numClasses === undefined) return undefined;
  const beside = await readClassList(join(dirname(found), classesFile)).catch(() => undefined);
  return beside?.names.length === numClasses ? beside : undefined;
}
