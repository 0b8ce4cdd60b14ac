import { expect, it } from 'vitest';
import { augment } from './augment.js';
import { imageAt, imageSize } from './images.js';

/** An image with one black pixel. */
function dot(x: number, y: number): Uint8Array {
  const pixels = new Uint8Array(3 * imageSize * imageSize).fill(255);
  pixels.fill(0, 3 * (y * imageSize + x), 3 * (y * imageSize + x) + 3);
  return pixels;
}

it('shifts and mirrors copies, but flags only shifts', () => {
  const pixels = new Uint8Array([...dot(10, 20), ...dot(10, 20)]);
  const images = { pixels, labels: Int32Array.of(0, 1), names: ['a', 'b'] };
  const result = augment(images, ['Flags', 'Objects'], 40, 0);
  expect(result.pixels.subarray(0, pixels.length)).toEqual(pixels);
  expect([...result.labels]).toEqual(Array.from({ length: 80 }, (_, i) => i % 2));
  expect(result.names).toHaveLength(80);
  const places = [new Set<string>(), new Set<string>()];
  for (let i = 0; i < 80; i++) {
    const at = imageAt(result.pixels, i).indexOf(0) / 3;
    const [x, y] = [at % imageSize, Math.floor(at / imageSize)];
    expect(Math.abs(y - 20)).toBeLessThanOrEqual(2);
    expect(Math.min(Math.abs(x - 10), Math.abs(x - 53))).toBeLessThanOrEqual(2);
    places[i % 2]?.add(x < 32 ? 'left' : 'right');
  }
  expect(places.map((sides) => [...sides].sort())).toEqual([['left'], ['left', 'right']]);
});
