import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { findFolder, isSystemEntry, openSafetensors, writeJson } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Name of the file with the names of the classes, beside tokens and in a checkpoint: a JSON list in the order of numbers. */
export const classesFile = 'classes.json';

/** Key of that list in the metadata of a safetensors file, for tokens in one file. */
export const classesKey = 'classes';

/** Names of classes. */
export interface ClassNames {
  /** File of the list, for messages. */
  readonly path: string;
  /** Names in the order of the classes' numbers. */
  readonly names: readonly string[];
}

const classNamesKinds: KindsOf<ClassNames> = { path: 'string', names: 'string[]', '*': 'any' };

/**
 * Checks a list of names of classes, which are also names of folders.
 * @param path File of the list, for messages.
 * @throws DparError naming an invalid or repeated name.
 */
export function checkClassNames(path: string, value: unknown): ClassNames {
  checkArguments('checkClassNames', { path, value }, { path: 'string', value: 'any' });
  const fail = (got: string): never => {
    throw new DparError(
      `checkClassNames: expected a list of different names of folders in '${path}', got ${got}. Correct or remove it.`,
    );
  };
  if (!Array.isArray(value))
    return fail(value === null ? 'null' : typeof value === 'object' ? 'an object' : typeof value);
  if (value.length === 0) return fail('an empty list');
  const numbers = new Map<unknown, number>();
  for (const [number, name] of value.entries()) {
    if (typeof name !== 'string' || name === '' || isSystemEntry(name) || /[/\\]/.test(name)) {
      return fail(`${JSON.stringify(name)} as class ${number}`);
    }
    const other = numbers.get(name);
    if (other !== undefined) return fail(`'${name}' as classes ${other} and ${number}`);
    numbers.set(name, number);
  }
  return { path, names: value };
}

/** Writes the names of classes into a folder. */
export async function writeClassNames(folder: string, names: readonly string[]): Promise<void> {
  checkArguments('writeClassNames', { folder, names }, { folder: 'string', names: 'string[]' });
  await writeJson(join(folder, classesFile), names);
}

/**
 * Reads the names of the classes of tokens, from `classes.json` in their folder or from the metadata of a safetensors file.
 * @param path A path that `findTokenLayout` accepts.
 * @returns `undefined` if the names are unknown
 * @throws DparError if a list is damaged.
 */
export async function readClassNames(path: string): Promise<ClassNames | undefined> {
  checkArguments('readClassNames', { path }, { path: 'string' });
  if (path.endsWith('.safetensors')) {
    const text = await metadataOf(path);
    if (text !== undefined) return parsed(path, text);
  }
  // The list is beside a file, and beside LlamaGen's folder of codes.
  const beside = /\.(safetensors|npy)$|_codes[/\\]*$/.test(basename(path));
  return (await readList(join(path, classesFile))) ?? (beside ? readList(join(dirname(path), classesFile)) : undefined);
}

/**
 * Reads the names of a model's classes, from `classes.json` in the folder of its checkpoint or beside that folder.
 * @param numClasses Number of classes of the model. A list beside the folder must have that many names; without the number
 * it is ignored.
 * @returns `undefined` if the names are unknown
 * @throws DparError if the list is damaged.
 */
export async function readCheckpointClasses(folder: string, numClasses?: number): Promise<ClassNames | undefined> {
  checkArguments('readCheckpointClasses', { folder, numClasses }, { folder: 'string', 'numClasses?': 'number' });
  const found = (await findFolder(folder)) ?? folder;
  const own = await readList(join(found, classesFile));
  if (own !== undefined) return own;
  if (numClasses === undefined) return undefined;
  const beside = await readList(join(dirname(found), classesFile)).catch(() => undefined);
  return beside?.names.length === numClasses ? beside : undefined;
}

/**
 * Checks that two lists of classes are equal, if both are known.
 * @param remedy Remedy in the error.
 * @throws DparError that names the first class that differs.
 */
export function checkSameClasses(
  expected: ClassNames | undefined,
  got: ClassNames | undefined,
  remedy = `Tokenize all images with one list: dpar tokenize --classes-file '${expected?.path}'.`,
): void {
  checkArguments(
    'checkSameClasses',
    { expected, got, remedy },
    { 'expected?': classNamesKinds, 'got?': classNamesKinds, remedy: 'string' },
  );
  if (expected === undefined || got === undefined) return;
  const [a, b] = [expected.names, got.names];
  const number = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find((i) => a[i] !== b[i]);
  if (number === undefined) return;
  const shown = (name: string | undefined): string => (name === undefined ? 'none' : `'${name}'`);
  const lengths = a.length === b.length ? '' : ` (${b.length} classes in place of ${a.length})`;
  throw new DparError(
    `checkSameClasses: expected class ${number} to be ${shown(a[number])} as in '${expected.path}', got ` +
      `${shown(b[number])} in '${got.path}'${lengths}. ${remedy}`,
  );
}

/**
 * Reads the names of the classes of training and validation data, which must agree.
 * @param numClasses Number of classes of the model; `undefined` for a model without classes.
 * @returns `undefined` if the names are unknown, or for a model without classes
 * @throws DparError that names the first class that differs, or if there are more names than the model has classes.
 */
export async function classesOfData(
  data: { readonly tokens: string; readonly validation?: string | undefined },
  numClasses: number | undefined,
): Promise<ClassNames | undefined> {
  checkArguments(
    'classesOfData',
    { data, numClasses },
    { data: { tokens: 'string', 'validation?': 'string', '*': 'any' }, 'numClasses?': 'number' },
  );
  const { tokens, validation } = data;
  if (numClasses === undefined) return undefined;
  const training = await readClassNames(tokens);
  const validated = validation === undefined ? undefined : await readClassNames(validation);
  checkSameClasses(training, validated);
  const classes = training ?? validated;
  if (classes === undefined || classes.names.length <= numClasses) return classes;
  throw new DparError(
    `classesOfData: expected a model of ${classes.names.length} classes, as '${classes.path}' lists them, got num_classes ` +
      `${numClasses}. Set model.num_classes to ${classes.names.length}.`,
  );
}

/** List of classes in a file's metadata. An unreadable file is reported when its tokens are read. */
async function metadataOf(path: string): Promise<string | undefined> {
  const file = await openSafetensors(path).catch(() => undefined);
  await file?.close();
  return file?.metadata[classesKey];
}

async function readList(path: string): Promise<ClassNames | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
  });
  return text === undefined ? undefined : parsed(path, text);
}

function parsed(path: string, text: string): ClassNames {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DparError(
      `readClassNames: expected a JSON list of names in '${path}', got damaged JSON (${(error as Error).message}). ` +
        'Correct or remove it.',
      { cause: error },
    );
  }
  return checkClassNames(path, value);
}
