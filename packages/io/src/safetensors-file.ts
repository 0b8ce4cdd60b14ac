import { existsSync } from 'node:fs';
import type { KindsOf } from '@dpar/check';
import { writeFileAtomic } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';
import {
  type SafetensorsContent,
  type SafetensorsOptions,
  type StreamedTensors,
  safetensorsOptionsKinds,
  safetensorsStream,
} from './safetensors.js';
import { indexSuffix } from './safetensors-index.js';
import { openSingleFile, type SafetensorsReader } from './safetensors-reader.js';
import { openShards } from './safetensors-shards.js';
import { writeShards } from './safetensors-shards-writer.js';
import type { StoredTensor } from './stored.js';

/**
 * Opens a safetensors file of any size and reads its header. Tensors are read on demand. Close it afterwards.
 *
 * Several files with an index, Hugging Face's layout, are opened as one. `path` is then the index, whose name ends in
 * `.safetensors.index.json`, or the missing `model.safetensors` of a `model.safetensors.index.json`.
 *
 * @throws IoError if the file is missing or its header is refused: see `parseSafetensors`. For several files, also if a
 * file or tensor is missing, repeated or not in the index, or the index names files outside its folder.
 */
export async function openSafetensors(path: string): Promise<SafetensorsReader> {
  checkArguments('openSafetensors', { path }, { path: 'string' });
  if (path.endsWith(indexSuffix)) return openShards('openSafetensors', path);
  const index = path + indexSuffix;
  return !existsSync(path) && existsSync(index)
    ? openShards('openSafetensors', index)
    : openSingleFile('openSafetensors', path);
}

/**
 * Reads a whole safetensors file of any size. Each tensor has its own memory, aligned for its element type.
 *
 * @throws IoError if the file is missing or refused: see `parseSafetensors`.
 */
export async function readSafetensors(path: string): Promise<SafetensorsContent> {
  checkArguments('readSafetensors', { path }, { path: 'string' });
  const file = await openSafetensors(path);
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const name of file.names) tensors.set(name, await file.read(name));
    return { tensors, unread: file.unread, metadata: file.metadata };
  } finally {
    await file.close();
  }
}

/** Options of {@link writeSafetensors}. */
export interface SafetensorsFileOptions extends SafetensorsOptions {
  /**
   * Most bytes of tensors per file, without its header. Default: one file for all. Larger sets become
   * `model-00001-of-00003.safetensors` and so on with `model.safetensors.index.json`, Hugging Face's layout, with tensors in the
   * given order. A tensor that is larger gets its own file.
   */
  readonly maximumShardBytes?: number | undefined;
}

export const safetensorsFileOptionsKinds: KindsOf<SafetensorsFileOptions> = {
  'maximumShardBytes?': 'number',
  ...safetensorsOptionsKinds,
};

/**
 * Writes a safetensors file of any size, atomically and without a copy in memory. The same tensors give the same bytes.
 * `options.dtype` applies to float32 tensors in memory; others are written unchanged.
 *
 * The index of several files is written last, then files of an older set are removed: see `writeFilesAtomic`.
 *
 * @param path Path of the file. For several files it must end in `.safetensors`.
 * @throws IoError if a tensor's data do not match its shape or a name is reserved.
 */
export async function writeSafetensors(
  path: string,
  tensors: StreamedTensors,
  options: SafetensorsFileOptions = {},
): Promise<void> {
  checkArguments(
    'writeSafetensors',
    { path, tensors, options },
    { path: 'string', tensors: 'Map | object', 'options?': safetensorsFileOptionsKinds },
  );
  const { maximumShardBytes, ...format } = options;
  if (maximumShardBytes === undefined) await writeFileAtomic(path, safetensorsStream(tensors, format));
  else await writeShards(path, tensors, format, maximumShardBytes);
}
