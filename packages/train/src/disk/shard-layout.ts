import { join } from 'node:path';
import { formatStoredType, type StoredType } from '@dpar/io';
import { isSystemEntry, openSafetensors } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import pMap from 'p-map';
import type { TokenLayout, TokenShard } from './layout.js';
import { isNpy, openTensor } from './token-file.js';

/** Names of the files of a shard; without labels it is one safetensors file. */
export interface ShardName {
  readonly tokens: string;
  readonly labels?: string;
}

/** End of the names of files with entropies, which are not shards of tokens. */
export const entropyName = /(^|[._-])entropies(-\d+)?\.safetensors$/;

/**
 * Finds the shards among the names of files, in order: safetensors files, and pairs `<prefix>tokens.npy` (or `codes.npy`) and
 * `<prefix>labels.npy`. Hidden files are left out, and those with entropies.
 */
export function shardNames(files: readonly string[]): ShardName[] {
  const known = new Set(files);
  const shards = files
    .filter((name) => !isSystemEntry(name))
    .flatMap((tokens): ShardName[] => {
      if (tokens.endsWith('.safetensors')) return entropyName.test(tokens) ? [] : [{ tokens }];
      const prefix = npyPrefix(tokens);
      const labels = `${prefix}labels.npy`;
      return prefix !== undefined && known.has(labels) ? [{ tokens, labels }] : [];
    });
  const { compare } = new Intl.Collator('en', { numeric: true });
  return shards.sort((a, b) => compare(a.tokens, b.tokens) || (a.tokens < b.tokens ? -1 : 1));
}

/** Prefix of a name before `tokens.npy` or `codes.npy`; undefined for other names. */
export function npyPrefix(name: string): string | undefined {
  return /^(|.*[._-])(?:tokens|codes)\.npy$/s.exec(name)?.[1];
}

/** Headers read at a time. */
const concurrency = 32;

/**
 * Reads the headers of shards.
 * @param path Name of the set for users.
 * @throws DparError if tensors are missing, do not fit each other, or shards differ in variants or tokens per image.
 */
export async function readShards(path: string, folder: string, names: readonly ShardName[]): Promise<TokenLayout> {
  const headers = await pMap(names, (name) => readHeader(folder, name), { concurrency });
  const [{ variants, tokensPerImage, wordsPerImage, tokens: firstPath }] = headers as [ShardHeader];
  const shards: TokenShard[] = [];
  let images = 0;
  for (const header of headers) {
    if (header.variants !== variants || header.tokensPerImage !== tokensPerImage) {
      throw new DparError(
        `readShards: expected shards of ${variants} variants of ${tokensPerImage} tokens as in '${firstPath}', ` +
          `got ${header.variants} of ${header.tokensPerImage} in '${header.tokens}'. Keep one data set in a folder.`,
      );
    }
    if (header.wordsPerImage !== wordsPerImage) {
      throw new DparError(
        `readShards: expected shards with ${wordsPerImage} numbers in 'labels' for an image as in '${firstPath}', ` +
          `got ${header.wordsPerImage} in '${header.labels}'. Keep one data set in a folder.`,
      );
    }
    const { tokens, labels, hasEntropies } = header;
    shards.push({ first: images, images: header.images, tokens, labels, hasEntropies });
    images += header.images;
  }
  const entropies = shards.every(({ hasEntropies }) => hasEntropies)
    ? shards.map(({ first, images, tokens }) => ({ first, images, path: tokens }))
    : undefined;
  const sizes = { images, variants, tokensPerImage, wordsPerImage };
  return { form: 'shards', path, ...sizes, shards, ...(entropies && { entropies }) };
}

interface ShardHeader extends Omit<TokenShard, 'first'> {
  readonly variants: number;
  readonly tokensPerImage: number;
  readonly wordsPerImage: number;
}

async function readHeader(folder: string, name: ShardName): Promise<ShardHeader> {
  const tokens = join(folder, name.tokens);
  const labels = join(folder, name.labels ?? name.tokens);
  const tokenType = await typeOf(tokens, 'tokens');
  const [images = 0, ...rest] = tokenType.shape;
  const [variants = 1, tokensPerImage = 0] = rest.length === 1 ? [1, ...rest] : rest;
  if (rest.length < 1 || rest.length > 2 || images === 0 || variants === 0 || tokensPerImage === 0) {
    const got = formatStoredType(tokenType);
    throw new DparError(
      `readShards: expected 'tokens' [N, T] or [N, V, T] in '${tokens}', got ${got}. Check the file.`,
    );
  }
  const labelType = await typeOf(labels, 'labels');
  const wordsPerImage = labelType.shape.reduce((product, size) => product * size, 1) / images;
  if (!Number.isInteger(wordsPerImage) || wordsPerImage === 0 || (wordsPerImage > 1 && labelType.shape[0] !== images)) {
    throw new DparError(
      `readShards: expected 'labels' of the ${images} images of '${tokens}' in '${labels}', ` +
        `got ${formatStoredType(labelType)}. Write tokens and labels of the same images.`,
    );
  }
  const hasEntropies = !isNpy(tokens) && (await hasTensor(tokens, 'entropies'));
  return { images, tokens, labels, hasEntropies, variants, tokensPerImage, wordsPerImage };
}

async function typeOf(path: string, tensor: string): Promise<StoredType> {
  const file = await openTensor(path, tensor);
  await file.close();
  return file.type;
}

async function hasTensor(path: string, tensor: string): Promise<boolean> {
  const file = await openSafetensors(path);
  await file.close();
  return file.types.has(tensor);
}
