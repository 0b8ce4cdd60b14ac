import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { KindsOf } from '@dpar/check';
import type { ChunkedTensor, StoredType } from '@dpar/io';
import {
  checkpointFiles,
  dequantized,
  openCheckpoint,
  safetensorsFiles,
  writeCheckpoint,
  writeSafetensors,
} from '@dpar/io/node';
import { classesFile, readCheckpointClasses, trainerFiles, writeClassNames } from '@dpar/train/node';
import { checkArguments } from './check-arguments.js';
import { interruptible } from './interruptible.js';
import { specsOf } from './kinds.js';
import { leftOut } from './left-out.js';
import { checkStoredWeights } from './usable-weights.js';

/** What {@link exportSafetensors} writes. */
export interface SafetensorsExportOptions {
  /** The moving average of the weights instead of them (default false). */
  readonly average?: boolean;
  /** Most bytes of tensors in a file; where there are more, they come in several with an index: see `writeSafetensors`. */
  readonly maximumShardBytes?: number | undefined;
  /** Aborted to end the work; nothing is written then. */
  readonly signal?: AbortSignal;
}

const safetensorsExportOptionsKinds: KindsOf<SafetensorsExportOptions> = {
  'average?': 'boolean',
  'maximumShardBytes?': 'number',
  'signal?': 'AbortSignal',
};

/** What {@link exportSafetensors} has written. */
export interface SafetensorsExportResult {
  readonly kind: string;
  /** Number of tensors. */
  readonly tensors: number;
  /** Names of the files. */
  readonly files: readonly string[];
  /** Files of the checkpoint that are not among them. */
  readonly leftOut: readonly string[];
  /** What is wrong with the checkpoint without touching the weights, such as the size that an index says. */
  readonly notes: readonly string[];
}

/**
 * Writes a checkpoint's weights as safetensors, in one file or several with an index: into `path`, if its name ends in
 * `.safetensors`, else into a folder of that name with `config.json`, which is a checkpoint itself. Element types and free
 * text stay as they are, but matrices that `int8Weights` rounded become float32; names of classes come along into a folder. Tensors are read piece by piece: memory for the largest one is enough.
 *
 * @throws DparError if the weights are not those of the configuration; IoError if a file is missing or damaged.
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
    // In the official order, which decides what lies together in a file.
    const tensors = new Map<string, ChunkedTensor>();
    for (const name of Object.keys(specs)) {
      const { dtype, shape } = parameters.types.get(name) as StoredType;
      tensors.set(name, { dtype, shape, chunks: interruptible(() => parameters.chunks(name), signal) });
    }
    const options = { metadata: parameters.metadata, maximumShardBytes };
    const classes = await readCheckpointClasses(found);
    const single = path.endsWith('.safetensors');
    if (single) await writeSafetensors(path, tensors, options);
    else {
      await writeCheckpoint(path, config, tensors, options);
      if (classes !== undefined) await writeClassNames(path, classes.names);
    }
    return {
      kind: String(config.kind),
      notes: parameters.notes,
      tensors: tensors.size,
      files: single
        ? (await safetensorsFiles(path)).map((file) => basename(file)).sort()
        : (await readdir(path)).sort(),
      leftOut: await leftOut(found, [weights], single ? [] : [checkpointFiles.config, classesFile]),
    };
  } finally {
    await parameters.close();
  }
}
