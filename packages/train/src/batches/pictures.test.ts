import { expect, it } from 'vitest';
import { tinyPictures, tinyPixels } from '../testing/tiny-tokenizer.js';
import { memoryPictures, type PictureBatch, picturesToImages } from './pictures.js';

const pictureOf = (pixels: Uint8Array, image: number) => pixels.slice(image * 192, (image + 1) * 192);

function expectPictures({ images, pixels }: PictureBatch): void {
  for (const [i, image] of images.entries()) expect(pictureOf(pixels, i)).toEqual(pictureOf(tinyPixels(5), image));
}

it('gives all pictures in each epoch, in a new order by the seed', async () => {
  const source = tinyPictures(5, 2, 3);
  const batches = await Promise.all(Array.from({ length: 5 }, (_, step) => source.batch(step)));
  for (const batch of batches) expectPictures(batch);
  const seen = batches.flatMap(({ images }) => [...images]);
  for (const epoch of [0, 1]) expect(seen.slice(5 * epoch, 5 * epoch + 5).sort()).toEqual([0, 1, 2, 3, 4]);
  expect(seen.slice(0, 5)).not.toEqual(seen.slice(5));
  expect([0, 2, 3].map((step) => source.epochOf(step))).toEqual([0, 0, 1]);
  expect(await source.batch(1)).toEqual(batches[1]);
});

it('keeps the order of the bytes without a seed', async () => {
  const source = tinyPictures(5, 3);
  const images = await Promise.all([0, 1].map(async (step) => [...(await source.batch(step)).images]));
  expect(images).toEqual([
    [0, 1, 2],
    [3, 4, 0],
  ]);
  expect(source.identity).toBe(tinyPictures(5, 2, 1).identity);
  expect(source.identity).not.toBe(tinyPictures(4, 3).identity);
});

it('refuses bytes that are no whole pictures', () => {
  const options = { size: 8, batchSize: 1 };
  expect(() => memoryPictures(new Uint8Array(193), options)).toThrow(
    'bytes [N, 8, 8, 3] of at least one picture, got 193',
  );
  expect(() => memoryPictures(new Uint8Array(0), options)).toThrow('got 0 bytes');
});

it('makes the input of a model of pictures', async () => {
  const { shape, data } = picturesToImages(await tinyPictures(2, 2).batch(0));
  expect(shape).toEqual([2, 3, 8, 8]);
  const pixels = tinyPixels(2);
  expect(data[0]).toBeCloseTo((pixels[0] as number) / 127.5 - 1, 6);
  expect(data[192 + 64]).toBeCloseTo((pixels[192 + 1] as number) / 127.5 - 1, 6);
});
