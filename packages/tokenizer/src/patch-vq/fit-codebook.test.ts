import { createRandom, createReferenceEngine, float32 } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { fitCodebook } from './fit-codebook.js';

const engine = createReferenceEngine();

/** Points near the corners of a square, and white ones, [N, 2]. */
function corners(count: number) {
  const random = createRandom(5);
  const data: number[] = [];
  for (let i = 0; i < count; i++) {
    if (i % 3 === 0) data.push(1, 1);
    else data.push((i % 2 ? 4 : -4) + 0.1 * random.normal(), (i % 5 < 2 ? 4 : -4) + 0.1 * random.normal());
  }
  return float32([count, 2], data);
}

describe('fitCodebook', () => {
  it('finds clusters and keeps pinned codes', async () => {
    const errors: number[] = [];
    const codebook = await fitCodebook(engine, corners(600), {
      codes: 5,
      seed: 1,
      pinned: float32([1, 2], [1, 1]),
      onIteration: (_, error) => errors.push(error),
    });
    const rows = [0, 1, 2, 3, 4].map((i) => [...codebook.data.subarray(2 * i, 2 * i + 2)]);
    expect(rows[0]).toEqual([1, 1]);
    const found = rows
      .slice(1)
      .map((row) => row.map(Math.round).join())
      .sort();
    expect(found).toEqual(['-4,-4', '-4,4', '4,-4', '4,4']);
    expect(errors).toHaveLength(15);
    expect(errors.at(-1)).toBeLessThan(0.02); // 2 * 0.1^2 a point, 0.01 a number
  });

  it('gives the same codebook for the same seed', async () => {
    const options = { codes: 7, seed: 3, iterations: 3 };
    const first = await fitCodebook(engine, corners(300), options);
    expect(await fitCodebook(engine, corners(300), options)).toEqual(first);
    expect(await fitCodebook(engine, corners(300), { ...options, seed: 4 })).not.toEqual(first);
  });

  it('says what it needs', async () => {
    const pinned = float32([1, 2], [1, 1]);
    await expect(fitCodebook(engine, corners(3), { codes: 4, seed: 1, pinned })).rejects.toThrow(
      'at least 3 patches besides the pinned ones, got 2',
    );
    await expect(fitCodebook(engine, corners(9), { codes: 1, seed: 1, pinned })).rejects.toThrow('more codes than R');
  });
});
