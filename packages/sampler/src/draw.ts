import { chooseToken, mostLikely } from './choose.js';
import type { SampleOptions } from './options.js';
import type { Predictions } from './predictions.js';

/** Tokens K that are given for each image. */
export function prefixLength({ labels, prefix = [] }: SampleOptions): number {
  return prefix.length / labels.length;
}

/** The next token of each image: the given one while there is a prefix, else drawn by the decoding options. */
export function nextTokens(
  { logits, probabilities }: Predictions,
  options: SampleOptions,
  uniforms: readonly Float64Array[],
  position: number,
): Int32Array {
  const { labels, prefix = [], greedy } = options;
  const given = prefixLength(options);
  const V = logits.length / labels.length;
  return Int32Array.from({ length: labels.length }, (_, image) => {
    if (position < given) return prefix[image * given + position] as number;
    const [begin, end] = [image * V, (image + 1) * V];
    if (greedy) return mostLikely(logits.subarray(begin, end));
    return chooseToken(
      probabilities.subarray(begin, end),
      options,
      (uniforms[image] as Float64Array)[position] as number,
    );
  });
}

/** Values of the images for the rows that are run: once, or twice with null rows. */
export function forRows(values: Int32Array, rows: number): Int32Array {
  if (rows === values.length) return values;
  const twice = new Int32Array(rows);
  twice.set(values);
  twice.set(values, values.length);
  return twice;
}
