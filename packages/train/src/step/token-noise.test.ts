import { createReferenceEngine, int32, named } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { takeImages } from '../batches/token-set.js';
import { tinyModel, tinySet } from '../testing/tiny.js';
import { createLossAndGradients } from './step.js';
import { noisyTokens } from './token-noise.js';

describe('noisyTokens', () => {
  const tokens = int32([40, 500], new Int32Array(20000).fill(3));

  it('replaces the share of tokens that it is told, by each code equally often', () => {
    const { data } = noisyTokens(tokens, 5, 0.25, 7, 2);
    const counts = [0, 1, 2, 3, 4].map((code) => data.filter((token) => token === code).length / data.length);
    for (const [code, share] of counts.entries()) expect(share).toBeCloseTo(code === 3 ? 0.75 + 0.05 : 0.05, 2);
    expect(tokens.data.every((token) => token === 3)).toBe(true);
  });

  it('is a function of seed and step, and nothing without a probability', () => {
    const noisy = noisyTokens(tokens, 5, 0.25, 7, 2);
    expect(noisyTokens(tokens, 5, 0.25, 7, 2)).toEqual(noisy);
    expect(noisyTokens(tokens, 5, 0.25, 7, 3)).not.toEqual(noisy);
    expect(noisyTokens(tokens, 5, 0.25, 8, 2)).not.toEqual(noisy);
    expect(noisyTokens(tokens, 5, 0, 7, 2)).toEqual(tokens);
  });
});

it.each(['dpar', 'llamagen', 'entropy'] as const)('%s reads the tokens and predicts the targets', async (kind) => {
  const { config, parameters, kind: functions } = tinyModel(kind, {}, 3);
  named(parameters, 'output.weight').data.forEach((_, i, data) => {
    data[i] = Math.sin(i);
  });
  const batch = takeImages(tinySet(3), [0, 1, 2]);
  const targets = int32(
    batch.tokens.shape,
    batch.tokens.data.map((token) => (token + 1) % 6),
  );
  const inputs = functions.inputs(config, batch);
  const model = { config, parameters, kind: functions };
  const step = createLossAndGradients(createReferenceEngine(), model, ['logits']);
  const plain = await step.run(parameters, inputs);
  await step.dispose();
  const other = createLossAndGradients(createReferenceEngine(), model, ['logits']);
  const { loss, outputs } = await other.run(parameters, { ...inputs, targets });
  const logits = named(outputs, 'logits');
  expect(logits).toEqual(named(plain.outputs, 'logits'));

  const [B = 0, N = 0, V = 0] = logits.shape;
  const first = 16 - N;
  let sum = 0;
  for (let i = 0; i < B * N; i++) {
    const row = Array.from(logits.data.subarray(i * V, (i + 1) * V) as Float32Array);
    const target = targets.data[Math.floor(i / N) * 16 + first + (i % N)] as number;
    sum += Math.log(row.reduce((total, x) => total + Math.exp(x), 0)) - (row[target] as number);
  }
  expect(loss).toBeCloseTo(sum / (B * N), 5);
  expect(loss).not.toBeCloseTo(plain.loss, 2);
});
