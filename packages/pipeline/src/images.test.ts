import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { Images } from './images.js';

/** Three images of 2x2 pixels. */
function images(): Images {
  const bytes = Uint8Array.from({ length: 3 * 2 * 2 * 3 }, (_, i) => i);
  return new Images({
    size: 2,
    bytes,
    tokens: new Int32Array(3),
    labels: Int32Array.of(1, 2, 1),
    names: ['b', 'c', 'b'],
  });
}

it('say what they are', () => {
  expect(images()).toMatchObject({ width: 2, height: 2, count: 3, names: ['b', 'c', 'b'], patchLengths: undefined });
});

it('are PNG files one by one', () => {
  const { width, height, channels, data } = decode(images().png(2));
  expect([width, height, channels]).toEqual([2, 2, 3]);
  expect([...data]).toEqual(Array.from({ length: 12 }, (_, i) => 24 + i));
});

it('are a grid: a column for each class, or as many as given', () => {
  const size = (png: Uint8Array) => {
    const { width, height } = decode(png);
    return [width, height];
  };
  expect(size(images().grid())).toEqual([10, 10]); // two columns and rows, and 2 pixels around each image
  expect(size(images().grid(3))).toEqual([14, 6]);
  expect(size(images().grid(9))).toEqual([14, 6]);
});

it('are pixels for a canvas', () => {
  const { width, height, data, colorSpace } = images().imageData(1);
  expect([width, height, colorSpace]).toEqual([2, 2, 'srgb']);
  expect([...data.subarray(0, 8)]).toEqual([12, 13, 14, 255, 15, 16, 17, 255]);
});

it('name what is wrong', () => {
  expect(() => images().png(3)).toThrow('Images.png: expected the number of an image from 0 to 2, got 3.');
  expect(() => images().imageData(-1)).toThrow('from 0 to 2, got -1.');
  expect(() => images().grid(0)).toThrow("'columns' to be a whole number >= 1, got 0.");
});
