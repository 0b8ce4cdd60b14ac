import { type DynamicAxes, float32, type HostTensor, named, type Ops, type Tensors } from '@dpar/tensor';
import { guidanceAt, isGuided } from './guidance.js';
import type { SampleOptions } from './options.js';

/** What a step says about the next token of each image. B images, V tokens of vocabulary. */
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

/** The outputs by name. */
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
