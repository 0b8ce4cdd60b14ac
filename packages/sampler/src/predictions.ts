import { type DynamicAxes, float32, type HostTensor, named, type Ops, type Random, type Tensors } from '@dpar/tensor';
import { chooseToken, mostLikely } from './choose.js';
import { guidanceAt, isGuided } from './guidance.js';
import { prefixLength, type SampleOptions } from './options.js';

/** Predictions of the next token of each image. B images, V tokens of vocabulary. */
export interface Predictions {
  /** Guided logits [B, V]. */
  readonly logits: Float32Array;
  /** Their softmax at the temperature of the run, [B, V]. */
  readonly probabilities: Float32Array;
}

/** Open axes of the inputs of {@link predictionOutputs}. */
export const predictionAxes: DynamicAxes = { mixture: { 0: 'images', 1: 'rows' } };

/**
 * Guided logits and probabilities, as outputs.
 * @param logits [C, V]: conditional rows, then null rows if there are any
 */
export function predictionOutputs<T>(ops: Ops<T>, inputs: Tensors<T>, logits: T): Record<string, T> {
  const guided = ops.matmul(named(inputs, 'mixture'), logits); // [B, V]
  const probabilities = ops.softmax(ops.mul(guided, named(inputs, 'inverseTemperature')));
  return { logits: guided, probabilities };
}

/** Reads the outputs of {@link predictionOutputs}. */
export function predictionsOf(outputs: Tensors<HostTensor>): Predictions {
  return {
    logits: named(outputs, 'logits').data as Float32Array,
    probabilities: named(outputs, 'probabilities').data as Float32Array,
  };
}

/**
 * Inputs of {@link predictionOutputs} at a position: the inverse temperature, and classifier-free guidance as a mixture
 * [B, C] of rows, scale * conditional + (1 - scale) * null.
 */
export function predictionInputs(options: SampleOptions, position: number, positions: number) {
  const { temperature = 1, labels } = options;
  const B = labels.length;
  const C = isGuided(options) ? 2 * B : B;
  const scale = guidanceAt(options, position, positions);
  const mixture = float32([B, C]);
  for (let image = 0; image < B; image++) {
    mixture.data[image * C + image] = scale;
    if (C > B) mixture.data[image * C + B + image] = 1 - scale;
  }
  return { mixture, inverseTemperature: float32([], [1 / temperature]) };
}

/**
 * Next token of each image: the given one within the prefix, else drawn by the decoding options.
 * @param streams Random streams of {@link imageStreams}.
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
