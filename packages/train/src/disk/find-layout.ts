import { readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isSystemEntry } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { TokenLayout } from './layout.js';
import { findLlamaGen, pairsOf } from './llamagen-layout.js';
import { readShards, shardNames } from './shard-layout.js';
import { isNpy } from './token-file.js';

const expected =
  'a safetensors file with tokens and labels, a folder of such files or of pairs of npy files (tokens.npy and labels.npy, ' +
  "with any common prefix), or a folder that holds LlamaGen's '<name>_codes' and '<name>_labels'";

/**
 * Finds tokenized data at a path:
 * - a safetensors file, or the `tokens` or `codes` file of a pair of npy files;
 * - a folder of such shards, in the order of their names (numbers by their value);
 * - LlamaGen's layout, `<name>_codes/0.npy` ... and `<name>_labels/0.npy` ...: the folder that holds one such pair, or
 *   the folder of the codes.
 *
 * Only headers are read. The layout has the entropies in these files; see `findEntropies` for those in other files.
 * @throws DparError if there are no such data, or several data sets; IoError for damaged files.
 */
export async function findTokenLayout(path: string): Promise<TokenLayout> {
  checkArguments('findTokenLayout', { path }, { path: 'string' });

  const status = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new DparError(`findTokenLayout: expected ${expected} at '${path}', got none. Check the path.`);
  });
  if (!status.isDirectory()) {
    const names = isNpy(path) ? shardNames(await readdir(dirname(path))) : [{ tokens: basename(path) }];
    const shard = names.find(({ tokens }) => tokens === basename(path));
    if (shard !== undefined) return readShards(path, dirname(path), [shard]);
    throw new DparError(
      `findTokenLayout: expected ${expected} at '${path}', got a file without its pair. Check the names.`,
    );
  }
  if (path.replace(/[/\\]+$/, '').endsWith('_codes')) return findLlamaGen(path, dirname(path), basename(path));
  const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !isSystemEntry(name));
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const folders = entries.filter((entry) => !entry.isFile()).map(({ name }) => name);
  const shards = shardNames(files);
  const codes = pairsOf(folders);
  if (shards.length > 0 && codes.length === 0) return readShards(path, path, shards);
  if (shards.length === 0 && codes.length === 1) return findLlamaGen(path, path, codes[0] as string);
  const found = [...codes.map((name) => `${name}/`), ...shards.map(({ tokens }) => tokens)];
  throw new DparError(
    `findTokenLayout: expected ${expected} at '${path}', got ${listed(found, entries.length)}. ` +
      (found.length > 0 ? 'Name the folder of the codes, or keep one data set in a folder.' : 'Check the path.'),
  );
}

function listed(found: readonly string[], entries: number): string {
  if (found.length === 0)
    return entries === 0 ? 'an empty folder' : `${entries} other ${entries === 1 ? 'entry' : 'entries'}`;
  const some = found.slice(0, 4).map((name) => `'${name}'`);
  return `${found.length} of them: ${some.join(', ')}${found.length > some.length ? ', ...' : ''}`;
}
