import { shuffled } from './random.js';
import type { Tokens } from './tokens.js';

/** B pictures as tokens, padded to those of the longest: P positions. */
export interface Batch {
  readonly shape: readonly [B: number, P: number];
  readonly gridWidth: number;
  readonly gridHeight: number;
  /** [B, P, window²] */
  readonly contents: Float32Array;
  /** [B, P], patches of each token; 0 is padding. */
  readonly lengths: Int32Array;
}

/** Pictures of one size as a batch. */
export function batchOf(pictures: readonly Tokens[]): Batch {
  const [first] = pictures;
  const [content] = first?.contents ?? [];
  if (!first || !content) throw new Error('batchOf: expected pictures with tokens, got none.');
  const P = Math.max(...pictures.map(({ lengths }) => lengths.length));
  const contents = new Float32Array(pictures.length * P * content.length);
  const lengths = new Int32Array(pictures.length * P);
  pictures.forEach((picture, b) => {
    lengths.set(picture.lengths, b * P);
    picture.contents.forEach((values, m) => {
      contents.set(values, (b * P + m) * values.length);
    });
  });
  const { gridWidth, gridHeight } = first;
  return { shape: [pictures.length, P], gridWidth, gridHeight, contents, lengths };
}

/**
 * Draws the batches of one pass over all pictures in random order, as indices. Pictures with similar numbers of tokens share
 * a batch within groups of 8 batches, which saves padding. Pictures that do not fill a batch are left out.
 */
export function drawBatches(counts: readonly number[], batchSize: number, random: () => number): Int32Array[] {
  const order = shuffled(counts.length, random);
  const batches: Int32Array[] = [];
  for (let start = 0; start < order.length; start += 8 * batchSize) {
    const group = order.slice(start, start + 8 * batchSize).sort((a, b) => (counts[a] ?? 0) - (counts[b] ?? 0));
    for (let at = 0; at + batchSize <= group.length; at += batchSize) batches.push(group.slice(at, at + batchSize));
  }
  return Array.from(shuffled(batches.length, random), (i) => batches[i] as Int32Array);
}
