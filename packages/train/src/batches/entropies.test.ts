import type { EntropyModelConfig } from '@dpar/entropy';
import type { ImageModel } from '@dpar/nn';
import { createReferenceEngine, named } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { readModelFixture } from '../testing/fixtures.js';
import { entropiesOfSet } from './entropies.js';
import { sizeOfSet, takeImages } from './token-set.js';

describe('entropiesOfSet', () => {
  it('computes the entropies that PyTorch does, in batches that do not divide the set', async () => {
    const { model, batch, io } = await readModelFixture('entropy-model');
    const { images } = sizeOfSet(batch);
    const order = Int32Array.from({ length: 2 * images + 1 }, (_, i) => i % images);
    const progress: number[] = [];
    const engine = createReferenceEngine();
    const entropies = await entropiesOfSet(engine, model as ImageModel<EntropyModelConfig>, takeImages(batch, order), {
      batchSize: 2,
      onProgress: (done, total) => progress.push(done / total),
    });
    const expected = named(io, 'entropies');
    const width = expected.shape[1] ?? 0;
    expect(entropies.shape).toEqual([order.length, width]);
    order.forEach((image, i) => {
      for (let j = 0; j < width; j++) {
        expect(entropies.data[i * width + j]).toBeCloseTo(expected.data[image * width + j] ?? Number.NaN, 4);
      }
    });
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  it('stops when it is told to', async () => {
    const { model, batch } = await readModelFixture('entropy-model');
    const run = entropiesOfSet(createReferenceEngine(), model as ImageModel<EntropyModelConfig>, batch, {
      signal: AbortSignal.abort(new Error('stopped')),
    });
    await expect(run).rejects.toThrow('stopped');
  });
});
