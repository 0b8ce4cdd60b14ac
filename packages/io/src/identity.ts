import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { findFolder } from './atomic-folder.js';
import { checkArguments } from './check-arguments.js';
import { checkpointFiles } from './checkpoint.js';
import { dataChunks, typeToWrite } from './chunks.js';
import { fileDigest } from './digest.js';
import { namedTensors, type StreamedTensors } from './safetensors.js';
import { safetensorsFiles } from './safetensors-set.js';
import { formatStoredType } from './stored.js';

/** A digest as settings show it: enough of it to tell any two contents apart. */
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
 * What a checkpoint holds, wherever its folder lies: a digest of its configuration and weights.
 * @param weights File of the weights.
 */
export async function checkpointIdentity(folder: string, weights: string = checkpointFiles.model): Promise<string> {
  checkArguments('checkpointIdentity', { folder, weights }, { folder: 'string', 'weights?': 'string' });

  const found = (await findFolder(folder)) ?? folder;
  const file = join(found, weights);
  const files = await safetensorsFiles(file);
  return formatDigest(await fileDigest(join(found, checkpointFiles.config), ...(files.length > 0 ? files : [file])));
}
