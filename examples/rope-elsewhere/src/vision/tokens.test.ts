import { describe, expect, it } from 'vitest';
import { digitSize, loadDigits, placeOn } from './digits.js';
import { patchSize, tokenize, windowSize } from './tokens.js';

const { test: digits } = await loadDigits();
const pictures = [0, 400, 900, 1500, 1990].map((i) => placeOn(32, 48, digits.pictures[i] as never, 3, 11));

/** A picture of these patches, each of one grey. */
function picture(rows: readonly (readonly number[])[]) {
  const [height, width] = [rows.length * patchSize, (rows[0]?.length ?? 0) * patchSize];
  const pixels = Float32Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width / patchSize), Math.floor((i % width) / patchSize)];
    return rows[y]?.[x] ?? Number.NaN;
  });
  return { height, width, pixels };
}

describe('tokenize', () => {
  it('merges neighbours of a row that look alike, and never across rows', () => {
    const { lengths, gridHeight, gridWidth } = tokenize(
      picture([
        [0, 0, 0, 1],
        [1, 1, 0, 0],
        [0, 0, 0, 0],
      ]),
      0,
    );
    expect({ lengths, gridHeight, gridWidth }).toEqual({ lengths: [3, 1, 2, 2, 4], gridHeight: 3, gridWidth: 4 });
  });

  it('compares with the first patch of a token, so that slow changes end it', () => {
    expect(tokenize(picture([[0, 0.25, 0.5, 0.75, 1]]), 0.25).lengths).toEqual([2, 2, 1]);
    expect(tokenize(picture([[0, 0.25, 0.5, 0.75, 1]]), 1).lengths).toEqual([5]);
  });

  it('holds the mean of what its patches and their surroundings show', () => {
    const { contents } = tokenize(picture([[0, 0.5, 1]]), undefined);
    const middle = contents[1] as Float32Array; // two pixels of each neighbour, black above and below
    expect([...middle.subarray(3 * windowSize, 4 * windowSize)]).toEqual([0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1]);
    expect([...middle.subarray(0, windowSize)]).toEqual(new Array(windowSize).fill(0));
    const merged = tokenize(picture([[0, 0.5, 1]]), 1).contents[0] as Float32Array;
    merged.forEach((value, i) => {
      expect(value).toBeCloseTo(
        contents.reduce((sum, content) => sum + (content[i] as number) / 3, 0),
        6,
      );
    });
  });

  it('covers each row of digits exactly, with fewer tokens the more may merge', () => {
    for (const digit of pictures) {
      const counts = [undefined, 0, 0.05, 0.2, 1].map((tolerance) => {
        const { lengths, contents } = tokenize(digit, tolerance);
        expect(contents).toHaveLength(lengths.length);
        const ends = new Set(lengths.map((_, m) => lengths.slice(0, m + 1).reduce((a, n) => a + n, 0)));
        for (let row = 1; row <= 8; row++) expect(ends.has(12 * row)).toBe(true);
        return lengths.length;
      });
      expect(counts).toEqual([...counts].sort((a, b) => b - a));
      expect(counts[0]).toBe(96);
      expect(counts[1]).toBeLessThan(60);
      expect(counts[4]).toBe(8);
    }
  });
});

describe('loadDigits', () => {
  it('reads 10,000 digits, none of the test among those of training', async () => {
    const { train, test } = await loadDigits();
    expect(train.labels.length + test.labels.length).toBe(10000);
    expect(new Set(test.labels).size).toBe(10);
    const key = (pixels: Float32Array): string => Buffer.from(pixels.buffer).toString('base64');
    const known = new Set(train.pictures.map(({ pixels }) => key(pixels)));
    expect(test.pictures.filter(({ pixels }) => known.has(key(pixels)))).toHaveLength(0);
    expect(test.pictures[0]?.pixels).toHaveLength(digitSize ** 2);
  });
});
