import { basename, dirname, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { type ClassNames, classesFile, openSafetensors, parseClassNames, readClassList } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Key of the list of classes in the metadata of a safetensors file, for tokens in one file. */
export const classesKey = 'classes';

const classNamesKinds: KindsOf<ClassNames> = { path: 'string', names: 'string[]', '*': 'any' };

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
    if (text !== undefined) return parseClassNames(path, text);
  }
  // The list is beside a file, and beside LlamaGen's folder of codes.
  const beside = /\.(safetensors|npy)$|_codes[/\\]*$/.test(basename(path));
  return (
    (await readClassList(join(path, classesFile))) ??
    (beside ? readClassList(join(dirname(path), classesFile)) : undefined)
  );
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
