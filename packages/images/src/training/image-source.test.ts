import { readdir, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from '@dpar/config/bundle';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { randomImages, writePngs } from '@dpar/fixtures';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cropVariants } from '../crop/crops.js';
import { mirrored } from '../crop/squares.js';
import { openImageFolder } from '../sets/image-folder.js';
import { type DamagedPicture, type ImageBatch, type ImageSourceOptions, openImageSource } from './image-source.js';

const settings: ImageSourceOptions = { size: 8, batchSize: 4, seed: 3 };

/** A folder of pictures of 20 x 13 pixels, in two classes. */
async function pictures(count: number): Promise<string> {
  const folder = await temporaryFolder();
  const nameOf = (i: number) => `${i % 2 ? 'cat' : 'dog'}/${String(i).padStart(3, '0')}.png`;
  await writePngs(folder, randomImages(count, 1, 20, 13), nameOf);
  return folder;
}

async function open(folder: string, options: Partial<ImageSourceOptions> = {}, worker?: URL) {
  const source = await openImageSource(folder, { ...settings, ...options }, worker);
  onTestFinished(() => source.close());
  return source;
}

/** Batches of some steps, taken in the given order and listed in the order of the steps. */
async function batchesOf(source: { batch(step: number): Promise<ImageBatch> }, steps: readonly number[]) {
  const batches: ImageBatch[] = [];
  for (const step of steps) batches[step] = await source.batch(step);
  return batches;
}

/** The squares of a batch. */
const squaresOf = ({ pixels, images }: ImageBatch): Uint8Array[] =>
  Array.from(images, (_, i) =>
    pixels.slice((i * pixels.length) / images.length, ((i + 1) * pixels.length) / images.length),
  );

describe('openImageSource', () => {
  it('gives each picture once in an epoch, with the bytes that are tokenized', async () => {
    const folder = await pictures(10);
    const source = await open(folder);
    expect(source.images).toBe(10);
    const set = await openImageFolder(folder);
    const expected: Uint8Array[] = [];
    for await (const image of set.read(0, 10, { background: [255, 255, 255] })) {
      const [square] = cropVariants(image, { crop: 'center', flip: false, size: 8, cropRange: 1 });
      expected.push(square?.data ?? new Uint8Array());
    }
    const batches = await batchesOf(source, [0, 1, 2, 3, 4]);
    const seen = batches.flatMap(({ images }) => [...images]);
    for (const epoch of [0, 1]) {
      expect(seen.slice(10 * epoch, 10 * (epoch + 1)).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    expect(seen.slice(0, 10)).not.toEqual(seen.slice(10));
    for (const batch of batches) expect(squaresOf(batch)).toEqual(Array.from(batch.images, (i) => expected[i]));
    expect([0, 2, 3].map((step) => source.epochOf(step))).toEqual([0, 0, 1]);
    expect(source.pathOf(0)).toBe('cat/001.png');
  });

  it('is a function of seed and step only: of neither threads, nor order, nor what it keeps', async () => {
    const folder = await pictures(11);
    const random = { crop: 'random', flip: true } as const;
    const expected = await batchesOf(await open(folder, random), [0, 1, 2, 3, 4, 5, 6]);
    const worker = pathToFileURL(
      await bundle(new URL('../threads/picture-worker.ts', import.meta.url), await temporaryFolder()),
    );
    for (const [options, steps, program] of [
      [{ threads: 3 }, [0, 1, 2, 3, 4, 5, 6], worker],
      [{ threads: 2, keptBytes: 0, ahead: 0 }, [6, 2, 0, 1, 5, 4, 3], undefined],
    ] as const) {
      expect(await batchesOf(await open(folder, { ...random, ...options }, program), steps)).toEqual(expected);
    }
    const others = await batchesOf(await open(folder, { ...random, seed: 4 }), [0]);
    expect(others[0]).not.toEqual(expected[0]);
  });

  it('draws squares and mirror images anew in each epoch', async () => {
    const folder = await pictures(8);
    const centres = await batchesOf(await open(folder, { batchSize: 8, shuffle: false }), [0]);
    const flips = await batchesOf(await open(folder, { batchSize: 8, shuffle: false, flip: true }), [0, 1, 2, 3]);
    const squares = squaresOf(centres[0] as ImageBatch);
    const turns = flips.map((batch) =>
      squaresOf(batch).map((square, i) => {
        const plain = squares[i] as Uint8Array;
        const isPlain = Buffer.compare(square, plain) === 0;
        expect(square).toEqual(isPlain ? plain : mirrored({ width: 8, height: 8, data: plain }).data);
        return isPlain;
      }),
    );
    // Each picture is mirrored in some epochs, and each epoch mirrors others.
    expect(new Set(turns.map(String)).size).toBe(4);
    expect(turns.flat().filter(Boolean).length).toBeGreaterThan(8);
    const random = await batchesOf(await open(folder, { batchSize: 8, shuffle: false, crop: 'random' }), [0, 1, 2]);
    expect(new Set(random.map(({ pixels }) => Buffer.from(pixels).toString('hex'))).size).toBe(3);
  });

  it('replaces damaged pictures by the next readable ones of the epoch, and tells of each once', async () => {
    const folder = await pictures(12);
    const sound = await open(folder, { batchSize: 12 });
    const order = [...(await sound.batch(0)).images];
    const at = (place: number) => sound.pathOf(order[place] as number);
    await truncate(join(folder, at(2)), 60);
    await writeFile(join(folder, at(3)), 'no picture');
    const told: string[] = [];
    /** A source that loses the last picture of the epoch, after which the first comes. */
    const openDamaged = async (batchSize: number) => {
      const lost = join(folder, at(11));
      await writeFile(lost, '');
      const onDamaged = ({ path, reason }: DamagedPicture) => told.push(`${path}: ${reason}`);
      const source = await open(folder, { batchSize, onDamaged });
      await unlink(lost);
      return source;
    };
    const source = await openDamaged(12);
    const expected = [...order];
    [expected[2], expected[3], expected[11]] = [order[4], order[4], order[0]] as [number, number, number];
    const batch = await source.batch(0);
    expect([...batch.images]).toEqual(expected);
    expect(squaresOf(batch)[2]).toEqual(squaresOf(batch)[4]);
    await source.batch(1);
    const reasons = [
      `${at(2)}: a damaged file (decodePng: expected a whole file, got its first 60 bytes. The file is damaged)`,
      `${at(3)}: text, "no picture"`,
      `${at(11)}: no access (ENOENT)`,
    ].sort();
    expect(told.sort()).toEqual(reasons);
    expect(source.damaged.map(({ path, reason }) => `${path}: ${reason}`).sort()).toEqual(reasons);
    // A source that does not know them yet gives the same from the end of the epoch.
    const parts = await batchesOf(await openDamaged(4), [2, 1, 0]);
    expect(parts.flatMap(squaresOf)).toEqual(squaresOf(batch));
  });

  it('keeps pictures for later epochs, as far as the memory goes', async () => {
    const folder = await pictures(4);
    const bytes = 3 * 8 * 8;
    const all = await open(folder, { ahead: 0 });
    const half = await open(folder, { ahead: 0, threads: 1, keptBytes: 2 * bytes });
    const expected = await all.batch(0);
    await half.batch(0);
    await rm(folder, { recursive: true });
    expect([...(await all.batch(1)).images].sort()).toEqual([...expected.images].sort());
    expect(all.damaged).toEqual([]);
    await half.batch(1);
    expect(half.damaged).toHaveLength(2);
  });

  it('gives up when more than half of the pictures are damaged', async () => {
    const folder = await pictures(6);
    for (const name of (await readdir(join(folder, 'cat'))).slice(0, 3))
      await writeFile(join(folder, 'cat', name), 'x');
    const source = await open(folder, { batchSize: 6 });
    await source.batch(0);
    await writeFile(join(folder, 'dog', '000.png'), 'x');
    await expect((await open(folder, { batchSize: 6 })).batch(0)).rejects.toThrow(
      /^openImageSource: expected readable pictures in '.*', got 4 of 6 that cannot be read, such as '.*' \(text, "x"\)\. Check the/,
    );
  });

  it('holds pictures out for validation', async () => {
    const folder = await pictures(40);
    const options = { batchSize: 1, validationShare: 0.2 };
    const [training, validation] = [
      await open(folder, options),
      await open(folder, { ...options, part: 'validation' }),
    ];
    expect(training.images + validation.images).toBe(40);
    const paths = [training, validation].flatMap((part) =>
      Array.from({ length: part.images }, (_, i) => part.pathOf(i)),
    );
    expect(new Set(paths).size).toBe(40);
    expect(training.identity).not.toBe(validation.identity);
    const one = await pictures(1);
    await expect(open(one, { ...options, part: 'validation' })).rejects.toThrow('expected validation pictures in');
  });

  it('refuses options out of range, and batches of a closed source', async () => {
    const folder = await pictures(1);
    await expect(open(folder, { size: 0 })).rejects.toThrow("expected 'size' to be a whole number from 1, got 0");
    await expect(open(folder, { scales: [0.9, 0.8] })).rejects.toThrow('got [0.9, 0.8]. Pass the smallest');
    await expect(open(folder, { background: [0, 0, 300] })).rejects.toThrow("'background' to be red, green and blue");
    await expect(open(folder, { threads: 0 })).rejects.toThrow('expected at least 1 thread, got 0');
    await expect(open(folder, { crops: 'center' } as object)).rejects.toThrow("Did you mean 'crop'?");
    await expect(open(await temporaryFolder())).rejects.toThrow('openImageSource: expected images in');
    const source = await open(folder);
    expect(() => source.batch(0.5)).toThrow('batch: expected a step from 0, got 0.5');
    await source.batch(0);
    await source.close();
    await expect(source.batch(9)).rejects.toThrow('got closed ones');
  });
});
