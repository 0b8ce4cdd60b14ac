import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkArguments } from './check-arguments.js';
import { indexSuffix } from './safetensors-index.js';
import { readIndex } from './safetensors-shards.js';

/**
 * The files of which `openSafetensors` reads a path's tensors: the file itself or, where there is none, its index and the
 * files that this names; none if there is neither. Whether the files that an index names are there is not looked at.
 *
 * @throws IoError if the index is refused.
 */
export async function safetensorsFiles(path: string): Promise<string[]> {
  checkArguments('safetensorsFiles', { path }, { path: 'string' });

  if (!path.endsWith(indexSuffix) && existsSync(path)) return [path];
  const index = path.endsWith(indexSuffix) ? path : path + indexSuffix;
  if (!existsSync(index)) return [];
  const { shards } = await readIndex('safetensorsFiles', index);
  return [index, ...shards.map((name) => join(dirname(index), name))];
}
