import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { formatStoredType, type StoredType } from '@dpar/io';
import { formatDigest, openSafetensors } from '@dpar/io/node';
import { shardRecord, writeShard } from '@dpar/shards';
import { DparError, type HostTensor, isDparError } from '@dpar/tensor';
import pMap from 'p-map';
import { checkArguments } from '../check-arguments.js';
import { createDiskSource } from './disk-source.js';
import type { EntropyPart, ImageRange, TokenLayout } from './layout.js';
import { tokenLayoutKinds } from './layout.js';
import { npyPrefix } from './shard-layout.js';

/** Most sequences (images times variants) in a file of entropies: 4 MB at 256 tokens, minutes of work on a processor. */
const sequencesOfPart = 4096;

/** Key of a file's metadata under which the identity of the entropy model stands. */
export const entropyCheckpointKey = 'entropy_checkpoint';

/** Key of a file's metadata under which the digest of tokens stands. */
const tokensKey = 'tokens';

/**
 * Lists the files with the entropies of a data set, beside its tokens or in another folder:
 * `<shard>.entropies.safetensors`, for many images in parts `<shard>.entropies-00000.safetensors` ...; for LlamaGen's
 * layout `<name>_entropies/entropies-00000.safetensors` .... The names depend only on the layout.
 * @param folder Default: the folder of the shards, or of LlamaGen's `<name>_codes`.
 */
export function entropyParts(layout: TokenLayout, folder?: string): EntropyPart[] {
  checkArguments('entropyParts', { layout, folder }, { layout: tokenLayoutKinds, 'folder?': 'string' });

  const { folders, images, variants } = layout;
  if (folders !== undefined) {
    const name = basename(folders.codes).replace(/codes$/, 'entropies');
    const prefix = join(folder ?? dirname(folders.codes), name, 'entropies');
    return parts(prefix, 0, images, variants, true);
  }
  return layout.shards.flatMap(({ tokens, first, images }) => {
    const name = basename(tokens);
    const prefix = npyPrefix(name) ?? `${name.replace(/\.safetensors$/, '')}.`;
    return parts(join(folder ?? dirname(tokens), `${prefix}entropies`), first, images, variants, false);
  });
}

function parts(prefix: string, first: number, images: number, variants: number, numbered: boolean): EntropyPart[] {
  const size = Math.max(1, Math.floor(sequencesOfPart / variants));
  const count = Math.ceil(images / size);
  return Array.from({ length: count }, (_, k) => ({
    path: `${prefix}${count > 1 || numbered ? `-${String(k).padStart(5, '0')}` : ''}.safetensors`,
    first: first + k * size,
    images: Math.min(size, images - k * size),
  }));
}

/** Files with the entropies of a data set. */
export interface FoundEntropies {
  /** All files, in the order of their images. */
  readonly parts: readonly EntropyPart[];
  readonly missing: readonly EntropyPart[];
}

/**
 * Finds the entropies of a data set beside its tokens. Checks that they are of one entropy model, and of these tokens: the first
 * and last image of each file are compared.
 * @param folder See {@link entropyParts}.
 * @param checkpoint Identity of the entropy model (default: that of the first file).
 * @param damagedIsMissing Counts files that cannot be read as missing (default: they are refused).
 * @throws DparError that names a file of another model or of other tokens.
 */
export async function findEntropies(
  layout: TokenLayout,
  folder?: string,
  checkpoint?: string,
  damagedIsMissing = false,
): Promise<FoundEntropies> {
  checkArguments(
    'findEntropies',
    { layout, folder, checkpoint, damagedIsMissing },
    { layout: tokenLayoutKinds, 'folder?': 'string', 'checkpoint?': 'string', 'damagedIsMissing?': 'boolean' },
  );

  const all = entropyParts(layout, folder);
  const stateOrNone = (part: EntropyPart) =>
    stateOf(layout, part).catch((error: unknown) => {
      if (damagedIsMissing && isDparError(error)) return undefined;
      throw error;
    });
  const states = await pMap(all, stateOrNone, { concurrency: 16 });
  let [wanted, like] = [checkpoint, 'the given entropy model'];
  for (const [i, part] of all.entries()) {
    const state = states[i];
    if (state === undefined) continue;
    const { path } = part;
    const { [entropyCheckpointKey]: made = 'unknown', [tokensKey]: of = 'others' } = state.metadata;
    if (wanted === undefined) [wanted, like] = [made, `'${path}'`];
    if (made !== wanted) refuse(path, `entropies of the checkpoint ${wanted}, as for ${like}`, made);
    if (of !== state.tokens) refuse(path, `entropies of the tokens ${state.tokens} in '${layout.path}'`, of);
    checkShape(layout, part, state.type);
  }
  return { parts: all, missing: all.filter((_, i) => states[i] === undefined) };
}

function refuse(path: string, expected: string, got: string): never {
  throw new DparError(
    `findEntropies: expected ${expected}, got ${got} in '${path}'. They are stale: remove them and compute them again, ` +
      'or keep those of each model in a folder of their own.',
  );
}

function checkShape({ variants: V, tokensPerImage: T }: TokenLayout, part: EntropyPart, type: StoredType | undefined) {
  const shape = [part.images, V, T - 1];
  if (type?.shape.join() === shape.join()) return;
  const got = type === undefined ? 'none' : formatStoredType(type);
  refuse(part.path, `'entropies' of the shape [${shape.join(', ')}]`, got);
}

/** Reads the metadata of a file, and the digest of its tokens; undefined if there is no file. */
async function stateOf(layout: TokenLayout, part: EntropyPart) {
  if (!existsSync(part.path)) return undefined;
  const file = await openSafetensors(part.path);
  await file.close();
  return { metadata: file.metadata, type: file.types.get('entropies'), tokens: await tokensDigest(layout, part) };
}

/** Writes the entropies of a part, [images, V, T - 1], as a shard with the identity of their model and the digest of their tokens. */
export async function writeEntropies(
  layout: TokenLayout,
  part: EntropyPart,
  entropies: HostTensor,
  checkpoint: string,
): Promise<void> {
  const { images: total, variants, tokensPerImage } = layout;
  const settings = {
    [entropyCheckpointKey]: checkpoint,
    variants,
    tokens_per_image: tokensPerImage,
    [tokensKey]: await tokensDigest(layout, { first: 0, images: total }),
  };
  const metadata = { [entropyCheckpointKey]: checkpoint, [tokensKey]: await tokensDigest(layout, part) };
  const items = { first: part.first, count: part.images, total };
  await writeShard(part.path, { entropies }, await shardRecord(items, settings, { entropies }, true), metadata);
}

/** A digest of the tokens of the first and last image of a range, in all variants. */
async function tokensDigest(layout: TokenLayout, { first, images }: ImageRange): Promise<string> {
  const source = createDiskSource(layout);
  const hash = createHash('sha256');
  for (const image of new Set([first, first + images - 1])) hash.update(await source.readTokens(image, 1));
  return formatDigest(hash);
}
