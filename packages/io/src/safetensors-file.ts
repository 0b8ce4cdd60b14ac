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
 * Opens a safetensors file of any size, reads its header, and reads tensors when asked for. Close it afterwards.
 *
 * Tensors may lie in several files with an index, Hugging Face's layout: `path` is the index, whose name ends in
 * `.safetensors.index.json`, or `model.safetensors` where there is no such file but `model.safetensors.index.json`.
 *
 * @throws IoError if there is no file, or its header is refused: see `parseSafetensors`. Of several files: if one of them or
 * a tensor is missing, is not in the index or lies in two of them, or the index leads out of its folder.
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
 * Reads a whole safetensors file of any size. Each tensor has memory of its own, aligned for its element type.
 *
 * @throws IoError if there is no file, or it is refused: see `parseSafetensors`.
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

/** How {@link writeSafetensors} writes. */
export interface SafetensorsFileOptions extends SafetensorsOptions {
  /**
   * Most bytes of tensors in a file; without it all are in one. Where they are more, `model-00001-of-00003.safetensors` and
   * so on are written with `model.safetensors.index.json`, Hugging Face's layout, tensors in the order given. Each file
   * is longer by its header; a tensor that is larger has a file of its own.
   */
  readonly maximumShardBytes?: number | undefined;
}

/** Kinds of {@link SafetensorsFileOptions}. */
export const safetensorsFileOptionsKinds: KindsOf<SafetensorsFileOptions> = {
  'maximumShardBytes?': 'number',
  ...safetensorsOptionsKinds,
};

/**
 * Writes a safetensors file of any size, atomically and without a copy of it in memory. The same tensors give the same
 * bytes; float32 tensors in memory are written as `options.dtype` says, others as they are.
 *
 * Of several files the index comes last, and files of an older set are removed after that: see `writeFilesAtomic`.
 *
 * @param path Its name ends in `.safetensors` where there may be several files.
 * @throws IoError if a tensor's data do not fit its shape or a name is reserved.
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
