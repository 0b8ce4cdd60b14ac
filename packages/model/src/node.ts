import type { KindsOf } from '@dpar/check';
import { readCheckpoint, writeCheckpoint } from '@dpar/io/node';
import {
  type ImageModelKind,
  kindOfConfig,
  type Model,
  type ModelKind,
  type ModelOfKind,
  madeFromFiles,
  modelArgument,
  modelOf,
} from '@dpar/nn';
import { checkArguments } from './check-arguments.js';
import { imageModelKinds } from './kinds.js';

/** Settings of {@link loadModel}. */
export interface LoadOptions<K extends ModelKind = ImageModelKind> {
  /** Accepted kinds (default: all kinds of models of image tokens). */
  readonly kinds?: readonly K[] | undefined;
  /** Name of the file with the weights (default: `model.safetensors`). */
  readonly weights?: string | undefined;
  /** Called with each fault of the files that does not affect the weights, as a sentence for the user. */
  readonly onNote?: ((sentence: string) => void) | undefined;
}

const loadOptionsKinds: KindsOf<LoadOptions> = { 'kinds?': 'object[]', 'weights?': 'string', 'onNote?': 'function' };

/**
 * Loads the model of a checkpoint folder: `config.json` and `model.safetensors`, in one file or several.
 * Half-precision and 8-bit weights become float32.
 * @throws DparError for another kind, a wrong key, or weights that do not fit the configuration; IoError if a file is missing
 * or damaged.
 */
export async function loadModel<K extends ModelKind = ImageModelKind>(
  folder: string,
  options: LoadOptions<K> = {},
): Promise<ModelOfKind<K>> {
  checkArguments('loadModel', { folder, options }, { folder: 'string', 'options?': loadOptionsKinds });

  const { weights, onNote } = options;
  const kinds = options.kinds ?? (imageModelKinds as readonly ModelKind[] as readonly K[]);
  const { config, parameters, notes = [] } = await readCheckpoint(folder, weights === undefined ? {} : { weights });
  for (const note of notes) onNote?.(note);
  const kind = kindOfConfig('loadModel', kinds, config, folder);
  return madeFromFiles('loadModel', folder, () => modelOf(kind, config, parameters));
}

/**
 * Saves a model as a checkpoint folder, completely or not at all. It replaces an existing folder.
 * @throws IoError if `folder` is a file.
 */
export async function saveModel(folder: string, model: Model): Promise<void> {
  checkArguments('saveModel', { folder, model }, { folder: 'string', model: modelArgument });
  await writeCheckpoint(folder, model.kind.writeConfig(model.config), model.parameters);
}
