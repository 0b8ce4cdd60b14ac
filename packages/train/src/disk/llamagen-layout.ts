import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatStoredType } from '@dpar/io';
import { DparError } from '@dpar/tensor';
import type { TokenLayout } from './layout.js';
import { openTensor } from './token-file.js';

const codesEnd = '_codes';
const labelsEnd = '_labels';

/** Folders of codes among the names of folders: each `<name>_codes` with a `<name>_labels`. */
export function pairsOf(folders: readonly string[]): string[] {
  const known = new Set(folders);
  return folders.filter((name) => name.endsWith(codesEnd) && known.has(labelsOf(name))).sort();
}

/** `<name>_labels` of `<name>_codes`. */
const labelsOf = (codes: string): string => `${codes.slice(0, -codesEnd.length)}${labelsEnd}`;

/**
 * Finds data in LlamaGen's layout: `<name>_codes/<i>.npy` with the codes [1, V, T] or [V, T] of image i in V variants (crops
 * and flipped crops), and `<name>_labels/<i>.npy` with its class. V and T are those of the first file; other files are
 * checked when they are read.
 * @param path Path of the set, for messages.
 * @param codes Name of the folder of codes in `root`.
 * @throws DparError if there are no files, numbers are missing, or codes and labels have different images.
 */
export async function findLlamaGen(path: string, root: string, codes: string): Promise<TokenLayout> {
  const folders = { codes: join(root, codes), labels: join(root, labelsOf(codes)) };
  const images = await countFiles(folders.codes);
  const labels = await countFiles(folders.labels);
  if (images !== labels) {
    const [less, more] = images < labels ? [folders.codes, folders.labels] : [folders.labels, folders.codes];
    throw new DparError(
      `findLlamaGen: expected a file in '${less}' for each in '${more}', got none for '${Math.min(images, labels)}.npy'. ` +
        'Copy the missing files, or extract the codes again.',
    );
  }
  const { variants, tokensPerImage } = await sizesOf(`${folders.codes}/0.npy`);
  return { form: 'llamagen', path, images, variants, tokensPerImage, wordsPerImage: 1, shards: [], folders };
}

/** Number of files `0.npy`, `1.npy`, ... @throws DparError if there are none, or one is missing. */
async function countFiles(folder: string): Promise<number> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new DparError(`findLlamaGen: expected a folder '${folder}' with the same images, got none. Check the path.`);
  });
  const numbers = names.flatMap((name) => /^(0|[1-9]\d{0,9})\.npy$/.exec(name)?.[1] ?? []).map(Number);
  const present = new Set(numbers);
  for (let i = 0; i < present.size; i++) {
    if (present.has(i)) continue;
    throw new DparError(
      `findLlamaGen: expected '${i}.npy' among the ${present.size} numbered files of '${folder}', got none. ` +
        'Copy the missing files, or extract the codes again.',
    );
  }
  if (present.size > 0) return present.size;
  throw new DparError(`findLlamaGen: expected files '0.npy', '1.npy', ... in '${folder}', got none. Check the path.`);
}

async function sizesOf(path: string): Promise<{ variants: number; tokensPerImage: number }> {
  const file = await openTensor(path, 'tokens');
  await file.close();
  const { shape } = file.type;
  const [variants = 1, tokensPerImage = 0] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (variants > 0 && tokensPerImage > 0 && (shape.length === 2 || (shape.length === 3 && shape[0] === 1))) {
    return { variants, tokensPerImage };
  }
  throw new DparError(
    `findLlamaGen: expected codes [1, V, T] or [V, T] in '${path}', got ${formatStoredType(file.type)}. ` +
      'Pass codes as LlamaGen extracts them.',
  );
}
