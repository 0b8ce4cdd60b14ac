import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { writeNpy, writeSafetensors } from '@dpar/io/node';
import { createRandom, int32 } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchOrder } from '../batches/batch-order.js';
import { takeImages } from '../batches/token-set.js';
import { int64, randomVariants, rowsOf, writeLlamaGen, writeShards } from '../testing/disk.js';
import { tinySet } from '../testing/tiny.js';
import { createDiskSource } from './disk-source.js';
import { findTokenLayout } from './find-layout.js';
import { createWorkerSource } from './worker-source.js';

describe('createDiskSource', () => {
  it("reads LlamaGen's layout back exactly, image by image and variant by variant", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.constantFrom(1, 2, 10, 20), fc.nat(), async (N, V, seed) => {
        const root = await temporaryFolder();
        const data = randomVariants(N, V, seed);
        await writeLlamaGen(root, data);
        const source = createDiskSource(await findTokenLayout(root));
        expect([source.images, source.variants, source.tokensPerImage, source.hasEntropies]).toEqual([N, V, 16, false]);
        const random = createRandom(seed);
        const images = Int32Array.from({ length: 9 }, () => random.integer(N));
        const variants = Int32Array.from({ length: 9 }, () => random.integer(V));
        expect(await source.load(images, variants)).toEqual({ images, ...rowsOf(data, images, variants) });
        expect(await source.readTokens(0, N)).toEqual(data.tokens);
      }),
      { numRuns: 12 },
    );
  });

  it('gives the batches of the set in memory, whatever the shards', async () => {
    const set = tinySet(30);
    const folders = await Promise.all([temporaryFolder(), temporaryFolder()]);
    await writeShards(folders[0], set, [30]);
    await writeShards(folders[1], set, [7, 1, 13, 9]);
    for (const folder of folders) {
      const source = createWorkerSource(await findTokenLayout(folder));
      const order = new BatchOrder({ images: 30, batchSize: 8, seed: 3 });
      for (let step = 0; step < 12; step++) {
        const { images, variants } = order.visitsAt(step);
        expect(await source.load(images, variants)).toEqual(takeImages(set, images));
      }
      expect(await source.readEntropies(5, 20)).toEqual(set.entropies?.data.slice(5 * 15, 25 * 15));
      await source.close();
      await expect(source.load(Int32Array.of(0), Int32Array.of(0))).rejects.toThrow('got a closed one');
    }
  });

  it('reads the prompts of shards', async () => {
    const folder = await temporaryFolder();
    const set = tinySet(9);
    const labels = int32(
      [9, 3],
      Array.from({ length: 27 }, (_, i) => i % 5),
    );
    await writeShards(folder, { ...set, labels }, [4, 5], true);
    const layout = await findTokenLayout(folder);
    expect(layout.wordsPerImage).toBe(3);
    const images = Int32Array.of(8, 0, 5);
    expect(await createDiskSource(layout).load(images, new Int32Array(3))).toMatchObject({
      labels: int32([3, 3], [4, 0, 1, 0, 1, 2, 0, 1, 2]),
    });
    await writeNpy(join(folder, 'part-9_labels.npy'), int32([5], [0, 1, 2, 3, 4]));
    await expect(findTokenLayout(folder)).rejects.toThrow("expected shards with 3 numbers in 'labels' for an image");
  });

  it('reads shards with variants, and npy pairs', async () => {
    const folder = await temporaryFolder();
    const data = randomVariants(5, 3);
    await writeNpy(join(folder, '0_codes.npy'), int64([2, 3, 16], data.tokens.subarray(0, 96)));
    await writeNpy(join(folder, '0_labels.npy'), int64([2, 1], data.labels.subarray(0, 2)));
    const rest = { tokens: int32([3, 3, 16], data.tokens.slice(96)), labels: int32([3], data.labels.slice(2)) };
    await writeSafetensors(join(folder, '1.safetensors'), rest);
    const source = createDiskSource(await findTokenLayout(folder));
    const [images, variants] = [Int32Array.of(4, 0, 1, 2, 1), Int32Array.of(2, 1, 0, 1, 2)];
    expect(await source.load(images, variants)).toEqual({ images, ...rowsOf(data, images, variants) });
  });

  it('names the file that cannot be read, or is not what it should be', async () => {
    const root = await temporaryFolder();
    await writeLlamaGen(root, randomVariants(4, 2));
    const source = createWorkerSource(await findTokenLayout(root));
    const load = (image: number) => source.load(Int32Array.of(image), Int32Array.of(1));
    await rm(join(root, 'tiny_labels', '1.npy'));
    await expect(load(1)).rejects.toThrow(`expected a NumPy file at '${join(root, 'tiny_labels', '1.npy')}', got none`);
    await truncate(join(root, 'tiny_codes', '2.npy'), 300);
    await expect(load(2)).rejects.toThrow(`'${join(root, 'tiny_codes', '2.npy')}'): expected 256 bytes of data`);
    const codes = join(root, 'tiny_codes', '3.npy');
    await writeNpy(codes, int64([1, 2, 15], new Array(30).fill(1)));
    await expect(load(3)).rejects.toThrow(
      `expected tokens of 1 image in 2 variants with 16 tokens each in '${codes}', as in the rest of the data, got I64[1, 2, 15]`,
    );
    await writeNpy(codes, { dtype: 'F32', shape: [2, 16], bytes: new Uint8Array(128) });
    await expect(load(3)).rejects.toThrow(`expected whole numbers as tokens in '${codes}', got F32`);
    expect((await load(0)).labels.shape).toEqual([1]); // others are still read
    await expect(load(4)).rejects.toThrow('expected images from 0 to 3, got 4');
    await expect(source.load(Int32Array.of(0), Int32Array.of(2))).rejects.toThrow(
      'expected variants from 0 to 1, got 2',
    );
  });

  it('notices a shard that was cut off after it was found', async () => {
    const folder = await temporaryFolder();
    await writeShards(folder, tinySet(20), [10, 10]);
    const source = createDiskSource(await findTokenLayout(folder));
    await truncate(join(folder, 'part-9.safetensors'), 900);
    await expect(source.load(Int32Array.of(3, 15), new Int32Array(2))).rejects.toThrow(
      /'.*part-9.safetensors'\): expected \d+ bytes of data after the header, got \d+. The file is truncated/,
    );
  });
});
