import { readFileSync } from 'node:fs';
import { patternImage } from '@dpar/fixtures';
import { describe, expect, it } from 'vitest';
import { centerSquare, cutSquare, fittedSquare, halve, withShorterSide } from './squares.js';

interface Reference {
  /** Width and height. */
  readonly from: readonly [number, number];
  readonly size: number;
  readonly values: readonly number[];
}

interface RandomReference extends Reference {
  readonly smallerSide: number;
  readonly top: number;
  readonly left: number;
}

/** Computed in Python with Pillow 12.3 by ADM's steps: halved by BOX while at least twice the size, BICUBIC, cut. */
const references: readonly Reference[] = JSON.parse(
  readFileSync(new URL('center-square-values.json', import.meta.url), 'utf8'),
);

/** Computed in Python with Pillow 12.3 by ADM's `random_crop_arr`, with these draws. */
const randomReferences: readonly RandomReference[] = JSON.parse(
  readFileSync(new URL('random-square-values.json', import.meta.url), 'utf8'),
);

describe('withShorterSide', () => {
  it.each(randomReferences)('$from to $smallerSide', ({ from, size, smallerSide, top, left, values }) => {
    const image = patternImage(...from);
    expect([...cutSquare(withShorterSide(image, smallerSide), top, left, size).data]).toEqual(values);
    // What was halved for the largest square gives the same.
    const halved = halve(image, Math.ceil(size / 0.8), Math.min);
    expect([...cutSquare(withShorterSide(halved, smallerSide), top, left, size).data]).toEqual(values);
  });
});

describe('fittedSquare', () => {
  it('puts the whole image on the middle of the background', () => {
    const square = fittedSquare(patternImage(8, 4), 8, [1, 2, 3]);
    const rows = Array.from({ length: 8 }, (_, row) => [...square.data.subarray(24 * row, 24 * (row + 1))]);
    const margin = Array.from({ length: 8 }, () => [1, 2, 3]).flat();
    expect([0, 1, 6, 7].map((row) => rows[row])).toEqual([margin, margin, margin, margin]);
    expect(rows.slice(2, 6).flat()).toEqual([...patternImage(8, 4).data]);
  });

  it('is the centre square of a square image, and white beside others', () => {
    expect(fittedSquare(patternImage(29, 29), 8)).toEqual(centerSquare(patternImage(29, 29), 8));
    expect([...fittedSquare(patternImage(1, 500), 4).data.subarray(0, 3)]).toEqual([255, 255, 255]);
  });
});

describe('centerSquare', () => {
  it.each(references)('$from to $size', ({ from, size, values }) => {
    const square = centerSquare(patternImage(...from), size);
    expect([square.width, square.height]).toEqual([size, size]);
    expect([...square.data]).toEqual(values);
  });

  it('leaves a square of that size as it is', () => {
    expect(centerSquare(patternImage(7, 7), 7)).toEqual(patternImage(7, 7));
  });
});
