import { createRandom, int32 } from '@dpar/tensor';
import { BatchOrder, dropClasses, noisyTokens } from '@dpar/train';
import { describe, expect, it } from 'vitest';
import { python, runPython } from './testing/torch.js';

const seed = 2 ** 40 + 7;
const steps = Array.from({ length: 12 }, (_, step) => step);

describe.skipIf(python === undefined)('random numbers in PyTorch', () => {
  it('are those of dpar train: initial weights, batches, variants, dropped labels and noise', async () => {
    const got = JSON.parse(await runPython('src/testing/order.py'));

    const stream = createRandom(seed, 3, 2 ** 33 + 1);
    stream.position = 6;
    expect(got.words).toEqual(Array.from({ length: 9 }, () => stream.word()));

    const patchCounts = Array.from({ length: 33 }, (_, i) => (7 * i) % 13);
    const order = new BatchOrder({ images: 11, variants: 3, batchSize: 4, seed, patchCounts, windowBatches: 5 });
    const visits = steps.map((step) => order.visitsAt(step));
    expect(got.batches).toEqual(visits.map(({ images, variants }) => [[...images], [...variants]]));
    const plain = new BatchOrder({ images: 11, batchSize: 4, seed });
    expect(got.plain).toEqual(steps.map((step) => [...plain.at(step)]));

    const labels = int32(
      [50],
      Array.from({ length: 50 }, (_, i) => i % 7),
    );
    expect(got.labels).toEqual([...dropClasses(labels, 7, 0.3, seed, 12).data]);

    const tokens = int32(
      [6, 10],
      Array.from({ length: 60 }, (_, i) => i),
    );
    const noisy = noisyTokens(tokens, 1000, 0.3, seed, 12).data;
    expect(got.noisy.flat()).toEqual([...noisy]);
    expect(got.later.flat()).toEqual([...noisy.subarray(40)]);

    const normal = createRandom(seed).fillNormal(new Float32Array(1000), { std: 0.02 });
    const truncated = createRandom(seed).fillTruncatedNormal(new Float32Array(1000), { std: 0.5, cut: 3 });
    for (const [name, expected] of Object.entries({ normal, truncated })) {
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - got[name][i]) / Math.abs(value)));
      expect(worst, name).toBeLessThan(2e-7);
    }
  });
});
