import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ClassNames, checkClassNames, readCheckpointClasses } from '@dpar/io/node';
import { imageModelKinds } from '@dpar/model';
import type { Json } from '@dpar/nn';
import { DparError, isDparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/**
 * Names of the classes of a checkpoint, from `classes.json` in its folder or beside it.
 * @param config Content of its config.json.
 * @returns `undefined` if the names are unknown, or for a model without classes
 * @throws DparError if the list is damaged.
 */
export async function checkpointClasses(folder: string, config: Json): Promise<ClassNames | undefined> {
  checkArguments('checkpointClasses', { folder, config }, { folder: 'string', config: 'object' });
  const count = classCount(config);
  return count === undefined ? undefined : readCheckpointClasses(folder, count);
}

/** Classes of a model; `undefined` for a model without classes, such as an entropy model or a tokenizer. */
function classCount(config: Json): number | undefined {
  const kind = imageModelKinds.find(({ name }) => name === config.kind);
  return kind?.hasClasses ? kind.readConfig(config).numClasses : undefined;
}

/** Sources of the names of an imported model's classes. */
export interface ClassSources {
  /** Names that the caller gives. */
  readonly given: readonly string[] | undefined;
  /** Value in the file of the weights. */
  readonly stored: unknown;
  /** The file or folder, beside or in which `classes.json` may be. */
  readonly path: string;
}

/**
 * Names of an imported model's classes: the given ones, or else those in the file, or else those of `classes.json` in the
 * folder, or beside the file with a name for each class.
 * @param leaveOut Called with the reason if found names do not fit the model.
 * @throws DparError if given names do not fit the model.
 */
export async function importedClasses(
  { given, stored, path }: ClassSources,
  config: Json,
  leaveOut: (reason: string) => void,
): Promise<readonly string[] | undefined> {
  const count = classCount(config);
  if (given !== undefined) return checkGiven(given, count, String(config.kind));
  if (count === undefined) return undefined;
  const isFile = !(await stat(path)).isDirectory();
  try {
    const found = stored === undefined ? await namesAround(path, isFile, count) : checkClassNames(path, stored);
    if (found === undefined) return undefined;
    const isOther = isFile && stored === undefined; // such a list can belong to other files of the folder
    if (found.names.length === count || (found.names.length < count && !isOther)) return found.names;
    leaveOut(`${found.names.length} names of classes in '${found.path}' for ${count} classes`);
    return undefined;
  } catch (error) {
    if (!isDparError(error)) throw error;
    leaveOut(`names of classes: ${error.message}`);
    return undefined;
  }
}

const namesAround = (path: string, isFile: boolean, count: number): Promise<ClassNames | undefined> =>
  isFile ? readCheckpointClasses(dirname(path)) : readCheckpointClasses(path, count);

function checkGiven(names: readonly string[], count: number | undefined, kind: string): readonly string[] {
  checkClassNames('the given list', names);
  if (count === undefined) {
    throw new DparError(
      `importCheckpoint: expected no names of classes for a model of kind '${kind}', which has no classes, got ${names.length}. ` +
        'Leave them out.',
    );
  }
  if (names.length <= count) return names;
  throw new DparError(
    `importCheckpoint: expected at most ${count} names for the ${count} classes of the model, got ${names.length}. Correct the list.`,
  );
}
