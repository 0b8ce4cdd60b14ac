import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { findFolder } from './atomic-folder.js';
import { checkArguments } from './check-arguments.js';
import { checkpointFiles } from './checkpoint.js';
import { dataChunks, typeToWrite } from './chunks.js';
import { namedTensors, type StreamedTensors } from './safetensors.js';
import { safetensorsFiles } from './safetensors-shards.js';
import { formatStoredType } from './stored.js';

/** SHA-256 of the concatenated contents of files, in 64 hexadecimal digits. Files of any size are read in pieces. */
export async function fileDigest(...paths: readonly string[]): Promise<string> {
  checkArguments('fileDigest', { paths }, { paths: 'string[]' });
  const hash = createHash('sha256');
  for (const path of paths) {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  }
  return hash.digest('hex');
}

/** Formats a digest for settings: `sha256:` and its first 16 digits. */
export function formatDigest(digest: Hash | string): string {
  checkArguments('formatDigest', { digest }, { digest: 'string | object' });
  const digits = typeof digest === 'string' ? digest : digest.digest('hex');
  return `sha256:${digits.slice(0, 16)}`;
}

/**
 * Digest of the names, types and data of tensors, in any order.
 * @throws IoError if data do not fit their type and shape.
 */
export async function contentDigest(tensors: StreamedTensors): Promise<string> {
  checkArguments('contentDigest', { tensors }, { tensors: 'Map | object' });

  const hash = createHash('sha256');
  for (const [name, tensor] of namedTensors(tensors).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name} ${formatStoredType(typeToWrite('contentDigest', name, tensor, 'F32'))}\n`);
    for await (const chunk of dataChunks(tensor, 'F32')) hash.update(chunk);
  }
  return formatDigest(hash);
}

/**
 * Digest of the configuration and weights of a checkpoint, independent of its path.
 * @param weights Name of the file of weights.
 */
export async function checkpointIdentity(folder: string, weights: string = checkpointFiles.model): Promise<string> {
  checkArguments('checkpointIdentity', { folder, weights }, { folder: 'string', 'weights?': 'string' });
  const found = (await findFolder(folder)) ?? folder;
  const file = join(found, weights);
  const files = await safetensorsFiles(file);
  const weightFiles = files.length > 0 ? files : [file];
  return formatDigest(await fileDigest(join(found, checkpointFiles.config), ...weightFiles));
}
