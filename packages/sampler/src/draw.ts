import type { Random } from '@dpar/tensor';
import { chooseToken, mostLikely } from './choose.js';
import { prefixLength, type SampleOptions } from './options.js';
import type { Predictions } from './predictions.js';

/**
 * The next token of each image: the given one while there is a prefix, else drawn by the decoding options.
 * @param streams As {@link imageStreams} gives them.
 */
export function nextTokens(
  { logits, probabilities }: Predictions,
  options: SampleOptions,
  streams: readonly Random[],
  position: number,
): Int32Array {
  const { labels, prefix = [], greedy, topK = 0, topP = 1 } = options;
  const given = prefixLength(options);
  const V = logits.length / labels.length;
  return Int32Array.from({ length: labels.length }, (_, image) => {
    if (position < given) return prefix[image * given + position] as number;
    const [begin, end] = [image * V, (image + 1) * V];
    if (greedy) return mostLikely(logits.subarray(begin, end));
    return chooseToken(probabilities.subarray(begin, end), { topK, topP }, (streams[image] as Random).fork(position));
  });
}
