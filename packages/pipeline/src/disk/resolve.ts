import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { checkpointFiles } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Name of the model folder in a run of `dpar create` and in a package with weights. */
const modelName = 'model';

/** Files by which a folder is recognised. */
const files = { createRun: 'create.json', trainRun: 'train.json', package: 'package.json' } as const;

/** Checkpoints of a run of `dpar train`, best first. */
const trained = ['best', 'last'] as const;

/**
 * Finds a model folder. Accepted are
 * - a model folder, with `tokenizer/`, and `dpar/` or `llamagen/`,
 * - a run of `dpar create` (its folder `model/`),
 * - the name of an installed npm package with a folder `model/`, such as `@dpar/emoji`. It is looked for from the working
 *   directory, and then from this package.
 *
 * A folder with the name of a package comes first.
 * @returns Absolute path of the model folder
 * @throws DparError if there is none, with what was found instead.
 */
export function resolveModelFolder(nameOrPath: string): string {
  checkArguments('resolveModelFolder', { nameOrPath }, { nameOrPath: 'string' });
  const path = resolve(nameOrPath);
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory()) return modelIn(path, nameOrPath);
  if (status !== undefined) throw refused(nameOrPath, 'a file', 'Pass the folder of a model.');
  if (!isPackageName(nameOrPath)) {
    throw refused(nameOrPath, 'no such folder', 'Check the path.');
  }
  const folder = findPackage(nameOrPath);
  if (folder === undefined) {
    throw refused(
      nameOrPath,
      `neither the folder '${path}' nor a package of this name in the node_modules of '${process.cwd()}' and the folders above`,
      `Check the name, or install the package: npm install ${nameOrPath}`,
    );
  }
  const model = join(folder, modelName);
  if (isModelFolder(model)) return model;
  throw refused(
    nameOrPath,
    `a package without models in '${model}'`,
    'Name a package with the weights of a model, such as @dpar/emoji.',
  );
}

/** The model folder that a folder is or has. */
function modelIn(folder: string, given: string): string {
  if (isModelFolder(folder)) return folder;
  const model = join(folder, modelName);
  if (isModelFolder(model)) return model;
  const has = (...names: string[]): boolean => existsSync(join(folder, ...names));
  if (has(files.createRun)) {
    throw refused(given, 'an unfinished run of dpar create', 'Run the same dpar create again: it resumes the run.');
  }
  if (has(files.trainRun)) {
    const checkpoint = trained.find((name) => has(name, checkpointFiles.config));
    throw refused(
      given,
      'a run of dpar train, which has one model and no tokenizer',
      checkpoint === undefined
        ? 'Finish the run, and copy its checkpoint and that of its tokenizer into one folder: MODEL/dpar and MODEL/tokenizer.'
        : `Copy '${join(given, checkpoint)}' to MODEL/dpar (or MODEL/llamagen) and the checkpoint of its tokenizer to MODEL/tokenizer, and pass MODEL.`,
    );
  }
  if (has(checkpointFiles.config)) {
    const above = dirname(folder);
    throw refused(
      given,
      'one checkpoint',
      isModelFolder(above)
        ? `Pass '${above}', the folder above it.`
        : 'Put it into a folder with tokenizer/, and dpar/ or llamagen/, and pass that folder.',
    );
  }
  const parts = ['tokenizer', 'dpar', 'llamagen'].filter((name) => has(name, checkpointFiles.config));
  throw refused(
    given,
    parts.length === 0 ? 'a folder without checkpoints in it' : `a folder with only ${parts.join(' and ')}`,
    'Pass a folder with the checkpoints tokenizer/, and dpar/ or llamagen/.',
  );
}

/** True for a folder with a tokenizer and a model that generates. */
function isModelFolder(folder: string): boolean {
  const has = (part: string): boolean => existsSync(join(folder, part, checkpointFiles.config));
  return has('tokenizer') && (has('dpar') || has('llamagen'));
}

/** True for what can be the name of an npm package. */
function isPackageName(text: string): boolean {
  return /^(@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/i.test(text);
}

/** Folder of an installed package. */
function findPackage(name: string): string | undefined {
  for (const from of [join(process.cwd(), 'index.js'), import.meta.url]) {
    const require = createRequire(from);
    // Packages can hide their package.json, so folders are searched too. Yarn's Plug'n'Play has no folders.
    try {
      return dirname(require.resolve(`${name}/${files.package}`));
    } catch {
      const places = (require.resolve.paths(name) ?? []).map((place) => join(place, name));
      const found = places.find((place) => existsSync(join(place, files.package)));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function refused(given: string, got: string, remedy: string): DparError {
  return new DparError(
    `resolveModelFolder: expected a model folder, a run of dpar create, or the name of an installed package as '${given}', ` +
      `got ${got}. ${remedy}`,
  );
}
