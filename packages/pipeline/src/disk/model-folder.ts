import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFiles, findFolder, readCheckpointClasses, readJson, safetensorsFiles } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import type { ModelKind, ModelOfKind } from '@dpar/nn';
import { checkArguments } from '../check-arguments.js';
import {
  type ModelParts,
  type ModelSource,
  type PartKind,
  type PartName,
  partKinds,
  type ReadOptions,
  readParts,
} from '../model-parts.js';

/** An open model folder on the disk. */
export interface ModelFolder extends ModelParts {
  /** Path of the folder. */
  readonly folder: string;
  /** Path of a part's checkpoint folder, whether it is there or not. */
  checkpoint(part: PartName): string;
  /** Reads the weights of a part. @throws IoError if they are missing or damaged, DparError if they do not fit. */
  load<Name extends PartName>(part: Name): Promise<ModelOfKind<PartKind<Name>>>;
}

/**
 * Opens a model folder: reads which parts it has, their configurations, and the names of the classes, but no weights.
 * @param folder Path of the folder itself; see `resolveModelFolder` for runs and packages.
 * @throws DparError if a part is missing, of another kind, or made for other tokens; IoError if a file is damaged.
 */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  checkArguments('openModelFolder', { folder }, { folder: 'string' });
  const source = folderSource(folder);
  return {
    folder,
    ...(await readParts('openModelFolder', source)),
    checkpoint: (part) => join(folder, part),
    load: (part) => source.readModel(part, {}),
  };
}

/** Files of a model folder on the disk. */
export function folderSource(folder: string): ModelSource {
  return {
    place: folder,
    async readConfig(part) {
      const found = await findFolder(join(folder, part));
      return found === undefined ? undefined : readJson(join(found, checkpointFiles.config));
    },
    async readClasses(part, numClasses) {
      return (await readCheckpointClasses(join(folder, part), numClasses))?.names;
    },
    async readModel<Name extends PartName>(part: Name, { signal, onProgress }: ReadOptions) {
      signal?.throwIfAborted();
      const bytes = await weightsBytes(join(folder, part));
      onProgress?.({ loaded: 0, total: bytes });
      const model = await loadModel<ModelKind>(join(folder, part), { kinds: partKinds[part] });
      onProgress?.({ loaded: bytes, total: bytes });
      signal?.throwIfAborted();
      return model as ModelOfKind<PartKind<Name>>;
    },
  };
}

/** Bytes of the files of weights in a checkpoint folder. */
async function weightsBytes(checkpoint: string): Promise<number> {
  const files = await safetensorsFiles(join((await findFolder(checkpoint)) ?? checkpoint, checkpointFiles.model));
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
