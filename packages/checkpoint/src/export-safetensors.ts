import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import type { ChunkedTensor, StoredType } from '@dpar/io';
import {
  checkpointFiles,
  classesFile,
  dequantized,
  openCheckpoint,
  safetensorsFiles,
  writeCheckpoint,
  writeClassNames,
  writeSafetensors,
} from '@dpar/io/node';
import { classesKey, trainerFiles } from '@dpar/train/node';
import { checkArguments } from './check-arguments.js';
import { checkpointClasses } from './classes.js';
import { specsOf } from './kinds.js';
import { checkStoredWeights } from './usable-weights.js';
import { streamed } from './weights-file.js';

/** Options of {@link exportSafetensors}. */
export interface SafetensorsExportOptions {
  /** Exports the moving average of the weights instead of the weights (default false). */
  readonly average?: boolean;
  /** Largest number of bytes of tensors in a file. Larger weights are split over several files: see `writeSafetensors`. */
  readonly maximumShardBytes?: number | undefined;
  /** Stops the export when aborted; nothing is written then. */
  readonly signal?: AbortSignal;
}

const safetensorsExportOptionsKinds: KindsOf<SafetensorsExportOptions> = {
  'average?': 'boolean',
  'maximumShardBytes?': 'number',
  'signal?': 'AbortSignal',
};

/** Result of {@link exportSafetensors}. */
export interface SafetensorsExportResult {
  /** Kind of the model. */
  readonly kind: string;
  /** Number of tensors. */
  readonly tensors: number;
  /** Names of the written files. */
  readonly files: readonly string[];
  /** Names of the checkpoint's files that were not exported. */
  readonly leftOut: readonly string[];
  /** Faults of the checkpoint that do not affect the weights, such as a wrong total size in an index. */
  readonly notes: readonly string[];
}

/**
 * Writes a checkpoint's weights as safetensors, in one file or in several with an index.
 * Element types and free text are preserved, but matrices that `int8Weights` rounded become float32. Tensors are read in
 * chunks, so memory for the largest one is enough.
 *
 * @param path A name that ends in `.safetensors` gives weights without configuration. Any other name gives a folder with
 * `config.json`, which is a checkpoint itself. Names of classes, if they are known, are the metadata `classes` of the file, a JSON
 * list, or `classes.json` of the folder.
 * @throws DparError if the weights do not fit the configuration; IoError if a file is missing or damaged.
 */
export async function exportSafetensors(
  folder: string,
  path: string,
  options: SafetensorsExportOptions = {},
): Promise<SafetensorsExportResult> {
  checkArguments(
    'exportSafetensors',
    { folder, path, options },
    { folder: 'string', path: 'string', 'options?': safetensorsExportOptionsKinds },
  );
  const { average = false, maximumShardBytes, signal } = options;
  const weights = average ? trainerFiles.average : checkpointFiles.model;
  const { config, folder: found, parameters: stored } = await openCheckpoint(folder, { weights });
  const parameters = dequantized(stored);
  try {
    const specs = specsOf(config);
    checkStoredWeights('exportSafetensors', folder, specs, parameters);
    // In the official order, which decides on the tensors of each file.
    const tensors = new Map<string, ChunkedTensor>();
    for (const name of Object.keys(specs)) {
      const { dtype, shape } = parameters.types.get(name) as StoredType;
      tensors.set(name, streamed({ dtype, shape, chunks: () => parameters.chunks(name) }, signal));
    }
    const classes = await checkpointClasses(found, config);
    const single = path.endsWith('.safetensors');
    const names = single && classes ? { [classesKey]: JSON.stringify(classes.names) } : {};
    const format = { metadata: { ...parameters.metadata, ...names }, maximumShardBytes };
    if (single) await writeSafetensors(path, tensors, format);
    else {
      const more = (partial: string) => (classes ? writeClassNames(partial, classes.names) : Promise.resolve());
      await writeCheckpoint(path, config, tensors, { ...format, more });
    }
    const files = single ? (await safetensorsFiles(path)).map((file) => basename(file)) : await readdir(path);
    return {
      kind: String(config.kind),
      tensors: tensors.size,
      files: files.sort(),
      leftOut: await filesLeftOut(
        found,
        [weights],
        [...(single ? [] : [checkpointFiles.config]), ...(classes ? [classesFile] : [])],
      ),
      notes: parameters.notes,
    };
  } finally {
    await parameters.close();
  }
}

/**
 * Names of a checkpoint's files that an export leaves out, ascending.
 *
 * @param weights Exported files of tensors, each of which may be split over several.
 * @param others Other exported files.
 */
export async function filesLeftOut(
  folder: string,
  weights: readonly string[],
  others: readonly string[],
): Promise<string[]> {
  const taken = new Set(others);
  for (const name of weights) for (const path of await safetensorsFiles(join(folder, name))) taken.add(basename(path));
  return (await readdir(folder)).filter((name) => !taken.has(name)).sort();
}
