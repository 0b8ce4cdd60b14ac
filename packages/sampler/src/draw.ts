import { chooseToken, mostLikely } from './choose.js';
import { prefixLength, type SampleOptions } from './options.js';
import type { Predictions } from './predictions.js';

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
