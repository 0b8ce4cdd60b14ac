import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { checkArguments } from './check-arguments.js';

/** SHA-256 of the contents of files, one after the other, in 64 hexadecimal digits. Files of any size are read in pieces. */
export async function fileDigest(...paths: readonly string[]): Promise<string> {
  checkArguments('fileDigest', { paths }, { paths: 'string[]' });

  const hash = createHash('sha256');
  for (const path of paths) {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  }
  return hash.digest('hex');
}
