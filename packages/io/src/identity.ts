import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { findFolder } from './atomic-folder.js';

/** A digest as settings show it: enough of it to tell any two contents apart. */
export function formatDigest(hash: Hash): string {
  return `sha256:${hash.digest('hex').slice(0, 16)}`;
}

/** What a checkpoint holds, wherever its folder lies: a digest of its configuration and weights. */
export async function checkpointIdentity(folder: string): Promise<string> {
  const found = (await findFolder(folder)) ?? folder;
  const hash = createHash('sha256');
  for (const name of ['config.json', 'model.safetensors']) {
    for await (const chunk of createReadStream(join(found, name), { highWaterMark: 1 << 20 })) hash.update(chunk);
  }
  return formatDigest(hash);
}
