import { centerSquare } from '@dpar/images';
import { expect, it } from 'vitest';
import { type ImageInput, readSquares } from './image-input.js';
import { Images } from './images.js';

const decode = async () => ({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) });
const read = (...inputs: ImageInput[]) => readSquares<ImageInput>('read', inputs, 2, decode);

it('reads RGB, and RGBA on white', async () => {
  const rgb = { width: 2, height: 2, data: Uint8Array.from({ length: 12 }, (_, i) => i) };
  const rgba = { width: 2, height: 2, data: new Uint8ClampedArray(16) };
  rgba.data.set([10, 20, 30, 255, 0, 0, 0, 0, 100, 0, 0, 51]);
  const [first, second] = await read(rgb, rgba);
  expect(first).toEqual(rgb);
  expect([...(second?.data ?? [])]).toEqual([10, 20, 30, 255, 255, 255, 224, 204, 204, 255, 255, 255]);
});

it('takes the scaled middle of what is no square of the size', async () => {
  const wide = { width: 9, height: 5, data: Uint8Array.from({ length: 135 }, (_, i) => (7 * i) % 256) };
  expect(await read(wide)).toEqual([centerSquare(wide, 2)]);
});

it('reads images of a pipeline, all of them, files, and blobs', async () => {
  const bytes = Uint8Array.from({ length: 24 }, (_, i) => i);
  const squares = await read(new Images({ size: 2, bytes, tokens: new Int32Array(2) }), Uint8Array.of(0));
  expect(squares.map(({ data }) => [...data])).toEqual([
    [...bytes.slice(0, 12)],
    [...bytes.slice(12)],
    Array(4).fill([1, 2, 3]).flat(),
  ]);
  const given: unknown[] = [];
  await readSquares('read', [new Blob([Uint8Array.of(5, 6)])], 1, async (input) => {
    given.push(input);
    return decode();
  });
  expect(given).toEqual([Uint8Array.of(5, 6)]);
});

it('refuses bytes that do not fill the image', async () => {
  const message = 'read: expected an image of 2 x 2 pixels with 3 or 4 bytes each, got 15 bytes. Pass whole images.';
  await expect(read({ width: 2, height: 2, data: new Uint8Array(15) })).rejects.toThrow(message);
  await expect(read({ width: 0, height: 2, data: new Uint8Array(0) })).rejects.toThrow('of 0 x 2 pixels');
});
