import { expect, vi } from 'vitest';
import { prefixLength, type SampleOptions } from '../options.js';
import { type Predictions, TokenDraws } from '../predictions.js';

/** Guided logits [N, V] of each position, those of all images together. */
export type LogitsByPosition = Float32Array[];

/** Runs a generation and notes the guided logits from which tokens are drawn, by image and position. */
export async function withLogits<V>(
  options: SampleOptions,
  positions: number,
  generate: () => Promise<V>,
): Promise<{ result: V; logits: LogitsByPosition }> {
  const images = options.labels.length;
  let logits: LogitsByPosition = [];
  const draw = TokenDraws.prototype.draw;
  const spy = vi.spyOn(TokenDraws.prototype, 'draw').mockImplementation(function (
    this: TokenDraws,
    predictions,
    numbers,
    at,
  ) {
    const V = predictions.logits.length / numbers.length;
    if (logits.length === 0) logits = Array.from({ length: positions }, () => new Float32Array(images * V).fill(NaN));
    for (let i = 0; i < numbers.length; i++) {
      logits[at[i] as number]?.set(predictions.logits.subarray(i * V, (i + 1) * V), (numbers[i] as number) * V);
    }
    return draw.call(this, predictions, numbers, at);
  });
  try {
    return { result: await generate(), logits };
  } finally {
    spy.mockRestore();
  }
}

/**
 * Expects the logits of all positions after the prefix within `tolerance` of the largest magnitude of each position.
 */
export function expectLogits(
  actual: LogitsByPosition,
  expected: LogitsByPosition,
  options: SampleOptions,
  tolerance: number,
): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((step, position) => {
    if (position < prefixLength(options)) return;
    const scale = step.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = step.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[position]?.[i] ?? NaN))), 0);
    expect(error / scale, `logits at position ${position}`).toBeLessThan(tolerance);
  });
}

/** Draws all tokens again from the guided logits of all positions: [N, T]. */
export function redraw(logits: LogitsByPosition, options: SampleOptions): Int32Array {
  const N = options.labels.length;
  const draws = new TokenDraws(options, logits.length);
  const tokens = new Int32Array(N * logits.length);
  const images = Int32Array.from({ length: N }, (_, image) => image);
  const K = prefixLength(options);
  logits.forEach((step, position) => {
    const at = new Int32Array(N).fill(position);
    if (position < K) {
      for (const image of images)
        tokens[image * logits.length + position] = options.prefix?.[image * K + position] ?? -1;
      return;
    }
    draws.draw(predictionsOf(step, N, options), images, at).forEach((token, image) => {
      tokens[image * logits.length + position] = token;
    });
  });
  return tokens;
}

function predictionsOf(logits: Float32Array, B: number, { temperature = 1 }: SampleOptions): Predictions {
  const V = logits.length / B;
  const probabilities = new Float32Array(logits.length);
  for (let image = 0; image < B; image++) {
    const row = logits.subarray(image * V, (image + 1) * V);
    const largest = Math.max(...row);
    const weights = Array.from(row, (logit) => Math.exp((logit - largest) / temperature));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    weights.forEach((weight, token) => {
      probabilities[image * V + token] = weight / total;
    });
  }
  return { logits, probabilities };
}
