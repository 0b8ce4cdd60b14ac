import { createReferenceEngine } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { createSampler } from './create-sampler.js';
import { collectParts, type GeneratedTokens } from './finished-images.js';
import { tinyDpar, tinyEntropyModel } from './testing/uncached.js';

const T = 16;

it('collectParts yields the images of each part, in order, with places for five at a time', async () => {
  const sampler = createSampler(createReferenceEngine(), tinyDpar(), { entropyModel: tinyEntropyModel() });
  const options = { seed: 3, labels: [0, 1, 2, 0, 2, 1, 1], batchSize: 5 };
  const whole = await sampler.generate(options);
  const parts: GeneratedTokens[] = [];
  const progress: number[] = [];
  for await (const part of collectParts(sampler.steps(options), [2, 1, 4], T, (tokens) => progress.push(tokens))) {
    parts.push(part);
  }
  expect(parts.map(({ patchLengths }) => patchLengths.length)).toEqual([2, 1, 4]);
  expect(parts.flatMap(({ tokens }) => [...tokens])).toEqual([...whole.tokens]);
  expect(parts.flatMap(({ patchLengths }) => patchLengths)).toEqual(whole.patchLengths);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(progress.at(-1)).toBe(7 * T);
});
