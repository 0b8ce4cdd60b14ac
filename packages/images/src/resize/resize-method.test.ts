import { readFileSync } from 'node:fs';
import { patternImage } from '@dpar/fixtures';
import { DparError } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ResizeMethod, resizeImage, resizeMethods } from './resize-method.js';
import { pillowBicubic, pyTorchBilinear, type TapsRule, tensorFlowBilinear } from './taps.js';

interface Reference {
  readonly method: ResizeMethod;
  /** Width and height. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly values: readonly number[];
}

/**
 * Computed in Python from the image that `patternImage` makes: `pytorch` by PyTorch 1.13's interpolate; `clean` by Pillow 9.4's
 * resize of each channel in mode F; `adm` by PyTorch's grid_sample in float64 at the places x * from / to, as TensorFlow 1
 * defines them.
 */
const references: readonly Reference[] = JSON.parse(
  readFileSync(new URL('resize-values.json', import.meta.url), 'utf8'),
);

/** The red plane of a row of grey pixels, brought to `width`. */
function row(pixels: readonly number[], width: number, method: ResizeMethod): number[] {
  const data = Uint8Array.from(pixels.flatMap((value) => [value, value, value]));
  const image = { width: pixels.length, height: 1, data };
  return Array.from(resizeImage(image, { width, height: 1 }, method).subarray(0, width));
}

describe('resizeImage', () => {
  it.each(references)('$method from $from to $to', ({ method, from, to, values }) => {
    const resized = resizeImage(patternImage(...from), { width: to[0], height: to[1] }, method);
    expect(resized).toHaveLength(values.length);
    const errors = values.map((value, i) => Math.abs(value - (resized[i] as number)));
    expect(Math.max(...errors)).toBeLessThan(2e-4);
  });

  it('adm: as TensorFlow 1 does, counted by hand', () => {
    expect(row([0, 100], 4, 'adm')).toEqual([0, 50, 100, 100]); // at 0, 0.5, 1, 1.5
    expect(row([10, 20, 30, 40], 2, 'adm')).toEqual([10, 30]); // at 0 and 2
    expect(row([0, 100, 200], 2, 'adm')).toEqual([0, 150]); // at 0 and 1.5
  });

  it('pytorch: half-pixel centres, counted by hand', () => {
    expect(row([0, 100], 4, 'pytorch')).toEqual([0, 25, 75, 100]); // at -0.25 (0), 0.25, 0.75, 1.25
    expect(row([10, 20, 30, 40], 2, 'pytorch')).toEqual([15, 35]); // at 0.5 and 2.5
    expect(row([0, 10, 20, 30, 40, 50, 60, 70], 2, 'pytorch')).toEqual([15, 55]); // not antialiased
  });

  it('clean: goes beyond 0..255 at edges, unclipped', () => {
    const resized = row([0, 0, 255, 255], 16, 'clean');
    expect(Math.min(...resized)).toBeLessThan(-5);
    expect(Math.max(...resized)).toBeGreaterThan(260);
  });

  it('pillow: bytes of the same filter, clipped', () => {
    const size = { width: 9, height: 4 };
    const clean = resizeImage(patternImage(20, 11), size, 'clean');
    const bytes = resizeImage(patternImage(20, 11), size, 'pillow');
    const errors = clean.map((value, i) => Math.abs(Math.min(255, Math.max(0, value)) - (bytes[i] as number)));
    // Pillow rounds after each of its two passes.
    expect(Math.max(...errors)).toBeLessThan(1.2);
    expect(bytes.every(Number.isInteger)).toBe(true);
    expect(row([0, 0, 255, 255], 16, 'pillow').filter((value) => value < 0 || value > 255)).toEqual([]);
  });

  it.each(resizeMethods)('%s leaves images of the right size as they are', (method) => {
    const image = patternImage(6, 5);
    const planes = resizeImage(image, { width: 6, height: 5 }, method);
    const bytes = Array.from(image.data, (_, i) => planes[(i % 3) * 30 + Math.floor(i / 3)]);
    expect(bytes).toEqual(Array.from(image.data));
  });

  it('takes images of one pixel and refuses wrong ones', () => {
    for (const method of resizeMethods) expect(row([7], 3, method)).toEqual([7, 7, 7]);
    const size = { width: 2, height: 2 };
    const other = 'bicubic' as ResizeMethod;
    expect(() => resizeImage(patternImage(2, 2), size, other)).toThrow(
      "'method' to be 'adm' or 'pytorch' or 'clean' or 'pillow', got 'bicubic'",
    );
    expect(() => resizeImage({ width: 0, height: 4, data: new Uint8Array(0) }, size, 'adm')).toThrow(DparError);
    expect(() => resizeImage({ width: 2, height: 2, data: new Uint8Array(16) }, size, 'adm')).toThrow(
      'resample: expected an image of at least one pixel with 3 bytes each, got 2x2 with 16 bytes. Convert it to RGB.',
    );
  });
});

describe('taps', () => {
  const rules: [string, TapsRule][] = [
    ['tensorFlowBilinear', tensorFlowBilinear],
    ['pyTorchBilinear', pyTorchBilinear],
    ['pillowBicubic', pillowBicubic],
  ];

  it.each(rules)('%s: weights add up to 1, of pixels that there are', (_, rule) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 }), (from, to) => {
        const { count, first, weights } = rule(from, to);
        for (let i = 0; i < to; i++) {
          const sum = weights.subarray(i * count, (i + 1) * count).reduce((a, b) => a + b);
          expect(sum).toBeCloseTo(1, 12);
          expect(first[i]).toBeGreaterThanOrEqual(0);
          expect((first[i] as number) + count).toBeLessThanOrEqual(from);
        }
      }),
    );
  });
});
