import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic, writeFilesAtomic } from './atomic-file.js';
import { typeToWrite } from './chunks.js';
import { IoError } from './error.js';
import { namedTensors, type SafetensorsOptions, type StreamedTensors, safetensorsStream } from './safetensors.js';
import { formatSafetensorsIndex, indexSuffix } from './safetensors-index.js';
import { isShardOf, planShards, shardName } from './shard-plan.js';
import { byteLengthOf } from './stored.js';

const extension = '.safetensors';

/**
 * Writes tensors to files of limited size with an index, or to one file if they fit.
 *
 * Readers never mix tensors of two sets: a single file takes precedence over an index, and the index is written last. Remaining
 * files of an older set are removed afterwards.
 *
 * @param path Path of a single file: `model.safetensors`.
 * @throws IoError if a tensor's data do not fit its shape or a name is reserved.
 */
export async function writeShards(
  path: string,
  tensors: StreamedTensors,
  options: SafetensorsOptions,
  maximumBytes: number,
): Promise<void> {
  if (!path.endsWith(extension)) {
    throw new IoError(
      `writeSafetensors: expected a name that ends in ${extension} for several files, got '${path}'. Rename it.`,
    );
  }
  const [folder, stem] = [dirname(path), basename(path).slice(0, -extension.length)];
  const sized = namedTensors(tensors).map(([name, tensor]) => {
    const type = typeToWrite('writeSafetensors', name, tensor, options.dtype ?? 'F32');
    return { name, tensor, bytes: byteLengthOf(type) as number };
  });
  const shards = planShards(sized, maximumBytes);
  const written = new Set<string>();
  if (shards.length === 1) {
    await writeFileAtomic(path, safetensorsStream(tensors, options));
    await rm(path + indexSuffix, { force: true });
  } else {
    const weightMap = new Map<string, string>();
    const files = shards.map((shard, i) => {
      const name = shardName(stem, i, shards.length);
      written.add(name);
      for (const tensor of shard) weightMap.set(tensor.name, name);
      const content = safetensorsStream(new Map(shard.map(({ name, tensor }) => [name, tensor])), options);
      return { path: join(folder, name), content };
    });
    const total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
    await writeFilesAtomic([...files, { path: path + indexSuffix, content: formatSafetensorsIndex(weightMap, total) }]);
    await rm(path, { force: true });
  }
  for (const name of await readdir(folder)) {
    if (isShardOf(stem, name) && !written.has(name)) await rm(join(folder, name), { force: true });
  }
}
