import { describe, expect, it } from 'vitest';
import { batchOf, drawBatches } from './batch.js';
import { learnedWeights, rotaryTable } from './positions.js';
import { randomNumbers } from './random.js';

const tokens = (gridHeight: number, gridWidth: number, lengths: readonly number[]) => ({
  gridHeight,
  gridWidth,
  lengths,
  contents: lengths.map((length) => Float32Array.of(length)),
});
const single = (height: number, width: number) => tokens(height, width, new Array<number>(height * width).fill(1));

describe('batchOf', () => {
  it('pads with zeros', () => {
    const { shape, lengths, contents } = batchOf([tokens(2, 3, [3, 1, 2]), tokens(2, 3, [3, 3])]);
    expect(shape).toEqual([2, 3]);
    expect([...lengths]).toEqual([3, 1, 2, 3, 3, 0]);
    expect([...contents]).toEqual([3, 1, 2, 3, 3, 0]);
  });
});

describe('drawBatches', () => {
  it('draws each picture at most once, in batches of pictures of about as many tokens', () => {
    const random = randomNumbers(3);
    const counts = Array.from({ length: 1000 }, () => Math.floor(20 + 20 * random()));
    const batches = drawBatches(counts, 32, random);
    const drawn = batches.flatMap((batch) => [...batch]);
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(drawn.length).toBeGreaterThan(1000 - 32);
    const spans = batches.map((batch) => {
      const own = Array.from(batch, (i) => counts[i] ?? 0);
      return Math.max(...own) - Math.min(...own);
    });
    expect(spans.reduce((sum, span) => sum + span, 0) / spans.length).toBeLessThan(6); // of 19
  });
});

describe('rotaryTable', () => {
  it('is the table of patches where nothing merged, in 2D and with equal ends', () => {
    const batch = batchOf([single(2, 3), single(2, 3)]);
    const shared = rotaryTable(batch, '2d', 16);
    expect(shared.shape).toEqual([1, 6, 8, 2]);
    const merged = rotaryTable(batchOf([single(2, 3), tokens(2, 3, [3, 3])]), 'dynamic_3d', 16);
    expect(merged.shape).toEqual([2, 6, 8, 2]);
    // Rows: the same 4 pairs in both.
    for (let p = 0; p < 6; p++) {
      expect(merged.data.slice(16 * p, 16 * p + 8)).toEqual(shared.data.slice(16 * p, 16 * p + 8));
    }
    // First and last column of a whole row of three: 0 and 2.
    const row = merged.data.slice(6 * 16 + 8, 6 * 16 + 16);
    const angles = [0, 0, 2, 0.2].flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);
    row.forEach((value, i) => {
      expect(value).toBeCloseTo(angles[i] ?? Number.NaN, 6);
    });
  });
});

describe('learnedWeights', () => {
  it('give each token the position of its first patch', () => {
    const weights = learnedWeights(batchOf([tokens(2, 3, [2, 1, 3]), tokens(2, 3, [3, 3])]), {
      gridHeight: 2,
      gridWidth: 3,
    });
    const first = [[0], [2], [3], [0], [3], []];
    const expected = first.flatMap((places) => [0, 1, 2, 3, 4, 5].map((place) => Number(places.includes(place))));
    expect([...weights]).toEqual(expected);
  });

  it('stretch the trained grid over a larger picture', () => {
    const trained = { gridHeight: 1, gridWidth: 2 };
    const weights = learnedWeights(batchOf([single(1, 4)]), trained);
    // Places of the four patches among the two trained ones: -0.25 (the edge), 0.25, 0.75, 1.25 (the edge).
    expect([...weights]).toEqual([1, 0, 0.75, 0.25, 0.25, 0.75, 0, 1]);
  });
});
