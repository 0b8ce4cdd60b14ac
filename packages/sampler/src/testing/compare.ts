import { expect, vi } from 'vitest';
import { DparStages } from '../dpar-stages.js';
import { GptStage } from '../gpt-stage.js';
import { imageStreams, type SampleOptions } from '../options.js';
import { nextTokens, type Predictions } from '../predictions.js';

/** Runs a generation and notes the guided logits of each step. */
export async function withLogits<V>(generate: () => Promise<V>): Promise<{ result: V; logits: Float32Array[] }> {
  const logits: Float32Array[] = [];
  const predict = DparStages.prototype.predict;
  const read = GptStage.prototype.read;
  const spies = [
    vi.spyOn(DparStages.prototype, 'predict').mockImplementation(async function (this: DparStages, ...inputs) {
      const predictions = await predict.apply(this, inputs);
      logits.push(predictions.logits.slice());
      return predictions;
    }),
    vi.spyOn(GptStage.prototype, 'read').mockImplementation(async function (this: GptStage, ...inputs) {
      const outputs = await read.apply(this, inputs);
      if (outputs.logits) logits.push((outputs.logits.data as Float32Array).slice());
      return outputs;
    }),
  ];
  try {
    return { result: await generate(), logits };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Expects the logits of all steps within `tolerance` of the largest magnitude of each step. */
export function expectLogits(
  actual: readonly Float32Array[],
  expected: readonly Float32Array[],
  tolerance: number,
): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((step, position) => {
    const scale = step.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = step.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[position]?.[i] ?? NaN))), 0);
    expect(error / scale, `logits at position ${position}`).toBeLessThan(tolerance);
  });
}

/** Draws all tokens again from the guided logits of all positions: [B, T]. */
export function redraw(logits: readonly Float32Array[], options: SampleOptions): Int32Array {
  const B = options.labels.length;
  const streams = imageStreams(options);
  const tokens = new Int32Array(B * logits.length);
  logits.forEach((step, position) => {
    nextTokens(predictionsOf(step, B, options), options, streams, position).forEach((token, image) => {
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
