import { cp, mkdir, open, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { pixelsOf, randomImages, writePngs } from '@dpar/fixtures';
import {
  type ImageCheck,
  openImageArray,
  openImageFolder,
  type StoredImageSet,
  withoutDamaged,
} from '@dpar/images/node';
import { formatNpz, toFloat64Array } from '@dpar/io';
import { readNpz, writeNpz } from '@dpar/io/node';
import { describe, expect, it } from 'vitest';
import type { FeatureNetwork } from '../feature-network.js';
import { featureStatistics } from '../statistics.js';
import { tinyNetwork } from '../testing/tiny-network.js';
import { cachedFeatures, extractToFile, featureCachePath, partsFolder } from './extract-file.js';
import { extractFeatures } from './feature-batches.js';
import { readFeatures, writeStatistics } from './feature-file.js';
import { extractParts, readFeatureFolder } from './feature-parts.js';
import { openEvaluationSet } from './open-set.js';

/** A batch of 1100 images: three parts. */
async function manyImages(folder: string): Promise<StoredImageSet> {
  const path = join(folder, 'images.npz');
  const arr_0 = { dtype: 'U8' as const, shape: [1100, 3, 4, 3], bytes: pixelsOf(randomImages(1100)) };
  await writeFile(path, formatNpz({ arr_0 }));
  return openImageArray(path);
}

/** A network that counts the images that it was given. */
function countingNetwork(identity = 'tiny') {
  const seen = { images: 0 };
  const onBatch = (images: readonly unknown[]): void => {
    seen.images += images.length;
  };
  return { network: tinyNetwork({ identity, onBatch }), seen };
}

/** A network that fails at the first batch after so many images. */
function failingNetwork(after: number): FeatureNetwork {
  let images = 0;
  return tinyNetwork({
    onBatch: (batch) => {
      images += batch.length;
      if (images > after) throw new Error('stopped here');
    },
  });
}

describe('extractToFile', () => {
  it('gives the features in memory, whatever the batches, and what ADM reads', async () => {
    const folder = await temporaryFolder();
    const set = await manyImages(folder);
    const path = join(folder, 'features.npz');
    const { features, extracted } = await extractToFile(path, set, tinyNetwork());
    expect(extracted).toBe(1100);
    expect(await extractFeatures(set, tinyNetwork(), { batchSize: 7 })).toEqual(features);
    expect(features.statistics.count).toBe(1100);
    const { mean, covariance } = featureStatistics(features.pool);
    const stored = await readNpz(path);
    expect([...stored.keys()]).toEqual(['pool', 'logits', 'mu', 'sigma', 'mu_s', 'sigma_s', 'origin']);
    for (const [name, values] of [
      ['mu', mean],
      ['sigma', covariance],
    ] as const) {
      const array = stored.get(name);
      const found = array === undefined ? new Float64Array() : toFloat64Array(array);
      expect(found).toHaveLength(values.length);
      found.forEach((value, i) => {
        expect(value).toBeCloseTo(values[i] ?? Number.NaN, 12);
      });
    }
    expect(stored.get('sigma_s')?.shape).toEqual([2, 2]);
    expect(await readdir(folder)).toEqual(['features.npz', 'images.npz']);
  });

  it('goes on where it was stopped, past damaged parts, to the same bytes', async () => {
    const folder = await temporaryFolder();
    const set = await manyImages(folder);
    const [whole, output] = [join(folder, 'whole.npz'), join(folder, 'out.npz')];
    await extractToFile(whole, set, tinyNetwork());
    await expect(extractToFile(output, set, failingNetwork(1030))).rejects.toThrow('stopped here');
    const parts = `${output}.partial`;
    const names = ['000000-000511.safetensors', '000512-001023.safetensors', 'features.json'];
    expect((await readdir(parts)).sort()).toEqual(names);
    const damaged = await open(join(parts, names[0] ?? ''), 'r+');
    await damaged.write(Uint8Array.of(1), 0, 1, 900);
    await damaged.close();
    const { network, seen } = countingNetwork();
    expect((await extractToFile(output, set, network)).extracted).toBe(1100 - 512);
    expect(seen.images).toBe(1100 - 512);
    expect(await readFile(output)).toEqual(await readFile(whole));
    expect((await extractToFile(output, set, failingNetwork(0))).extracted).toBe(0);
    // A process may be killed when the file is complete and its parts are still there, or half removed.
    await extractParts(partsFolder(output), set, tinyNetwork());
    const half = join(folder, '.out.npz.partial.partial-0123456789abcdef');
    await mkdir(half);
    await utimes(half, 0, 0);
    expect((await extractToFile(output, set, failingNetwork(0))).extracted).toBe(0);
    expect(await readdir(folder)).not.toContainEqual(expect.stringContaining('partial'));
  });

  it('says which images have changed since', async () => {
    const folder = await temporaryFolder();
    const [images, output] = [join(folder, 'images'), join(folder, 'features')];
    await writePngs(images, randomImages(3), (i) => `${i}.png`);
    const extract = async () => extractParts(output, await openImageFolder(images), tinyNetwork());
    await extract();
    expect((await readFile(join(output, 'images.jsonl'), 'utf8')).split('\n')[1]).toMatch(
      /^\["1.png",\d+,"[0-9a-f]{16}"\]$/,
    );
    await writePngs(images, randomImages(1, 5), () => '1.png');
    await expect(extract()).rejects.toThrow(/got '.*images' with 3 images: '1.png' has other content\. Restore them/);
    await writePngs(images, randomImages(2, 5), (i) => `${3 + i}.png`);
    await rm(join(images, '0.png'));
    await expect(extract()).rejects.toThrow("4 images in place of 3: '0.png' is missing, and 3 more differ.");
    await rm(join(output, 'images.jsonl'));
    await expect(extract()).rejects.toThrow('4 images with other names or content in place of 3.');
  });

  it('refuses to go on with other settings', async () => {
    const folder = await temporaryFolder();
    const set = await manyImages(folder);
    const output = join(folder, 'out.npz');
    await expect(extractToFile(output, set, failingNetwork(600))).rejects.toThrow();
    await expect(extractToFile(output, set, tinyNetwork(), { batchSize: 9 })).rejects.toThrow(
      "expected 'batch_size' 32",
    );
    await expect(extractToFile(output, set, tinyNetwork({ identity: 'other' }))).rejects.toThrow("'network_identity'");
  });
});

describe('shares of a folder', () => {
  it('make the features together, and the missing ones are named', async () => {
    const folder = await temporaryFolder();
    const set = await manyImages(folder);
    const [output, path] = [join(folder, 'parts'), join(folder, 'whole.npz')];
    const { features } = await extractToFile(path, set, tinyNetwork());
    for (const index of [2, 0]) await extractParts(output, set, tinyNetwork(), { share: { index, count: 3 } });
    await expect(openEvaluationSet(output)).rejects.toThrow('got none of 512-1023');
    expect((await extractParts(output, set, tinyNetwork(), { share: { index: 1, count: 3 } })).images).toBe(512);
    expect((await extractParts(output, set, failingNetwork(0))).extracted).toBe(0);
    expect((await readFeatureFolder(output))?.features).toEqual(features);
    expect((await openEvaluationSet(path)).pool).toEqual(features.pool);
  });
});

describe('cachedFeatures', () => {
  it('computes again what has changed, and nothing else', async () => {
    const folder = await temporaryFolder();
    const images = join(folder, 'images');
    await writePngs(images, randomImages(6), (i) => `${i}.png`);
    const { network, seen } = countingNetwork();
    const compute = async (of = network, options = {}) =>
      (await cachedFeatures(await openImageFolder(images), of, options)).extracted;
    expect(await compute()).toBe(6);
    expect(await compute()).toBe(0);
    expect(seen.images).toBe(6);
    expect((await readdir(folder)).sort()).toEqual([
      'images',
      expect.stringMatching(/^images\.features-[0-9a-f]{12}\.npz$/),
    ]);
    // Another network or resize has a cache of its own.
    expect(await compute(tinyNetwork({ identity: 'tiny, another resize' }))).toBe(6);
    expect(await compute()).toBe(0);
    // Another image.
    await writePngs(images, randomImages(1, 5), () => '3.png');
    expect(await compute()).toBe(6);
    expect(await compute()).toBe(0);
    // A damaged file.
    const path = featureCachePath(await openImageFolder(images), network);
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(7, 130, 140));
    expect(await compute()).toBe(6);
    // Another folder of caches, in which sets of one name have files of their own.
    const caches = join(folder, 'caches');
    expect(await compute(network, { folder: caches })).toBe(6);
    await cp(images, join(folder, 'b/images'), { recursive: true });
    await cachedFeatures(await openImageFolder(join(folder, 'b/images')), network, { folder: caches });
    expect(await readdir(caches)).toHaveLength(2);
    expect(await compute(network, { folder: caches })).toBe(0);
  });

  it('leaves parts of a set that has changed', async () => {
    const folder = await temporaryFolder();
    const images = join(folder, 'images');
    await writePngs(images, randomImages(600), (i) => `${i}.png`);
    await expect(cachedFeatures(await openImageFolder(images), failingNetwork(550))).rejects.toThrow('stopped here');
    expect((await readdir(folder)).sort()).toEqual(['images', expect.stringMatching(/\.npz\.partial$/)]);
    await rm(join(images, '7.png'));
    expect((await cachedFeatures(await openImageFolder(images), tinyNetwork())).extracted).toBe(599);
    expect(await readdir(folder)).toHaveLength(2);
  });
});

describe('a folder with damaged images', () => {
  const names = [2, 5, 11];

  /** 12 images, of which three are cut off. */
  async function damagedFolder(): Promise<string> {
    const folder = join(await temporaryFolder(), 'images');
    await writePngs(folder, randomImages(12), (i) => `${10 + i}.png`);
    for (const i of names) await truncate(join(folder, `${10 + i}.png`), 50);
    return folder;
  }

  it('is refused before features are computed, with all of their names', async () => {
    const folder = await damagedFolder();
    const { network, seen } = countingNetwork();
    const set = await openImageFolder(folder);
    const message = new RegExp(
      `got 3 of 12 that cannot be read: ${names.map((i) => `'.*${10 + i}\\.png' \\(.*\\)`).join(', ')}`,
    );
    await expect(extractFeatures(set, network, { batchSize: 1 })).rejects.toThrow(message);
    await expect(extractParts(`${folder}-parts`, set, network, { partImages: 2 })).rejects.toThrow(message);
    // Of a share, its own are named.
    const share = { partImages: 6, share: { index: 1, count: 2 } };
    await expect(extractParts(`${folder}-share`, set, network, share)).rejects.toThrow(
      /got 1 of 6 that cannot be read: '.*21\.png'/,
    );
    expect(seen.images).toBe(0);
  });

  it('can be read without them', async () => {
    const folder = await damagedFolder();
    const whole = await openImageFolder(folder);
    const checks: ImageCheck[] = [];
    const { set, kept, skipped } = await withoutDamaged(whole, { onCheck: (check) => checks.push(check) });
    expect(kept).toEqual([0, 1, 3, 4, 6, 7, 8, 9, 10]);
    expect(skipped.map(({ name }) => name)).toEqual(names.map((i) => join(folder, `${10 + i}.png`)));
    expect(checks.at(-1)).toEqual({ done: 12, total: 12, turned: 0, transparent: 0 });
    expect(set.nameOf(4)).toBe(join(folder, '16.png'));
    expect(set.identity).not.toBe(whole.identity);
    const images = randomImages(12).filter((_, i) => !names.includes(i));
    const read = [];
    for await (const image of set.read(1, 7)) read.push(image);
    expect(read).toEqual(images.slice(1, 8));
    for (const i of names) await rm(join(folder, `${10 + i}.png`));
    expect(await extractFeatures(set, tinyNetwork())).toEqual(
      await extractFeatures(await openImageFolder(folder), tinyNetwork()),
    );
  });
});

it('statistics are written and read as ADM has them', async () => {
  const path = join(await temporaryFolder(), 'statistics.npz');
  const gaussian = (d: number) => ({
    mean: Float64Array.from({ length: d }, (_, i) => i / 7),
    covariance: Float64Array.from({ length: d * d }, (_, i) => 1 / (i + 1)),
  });
  const [statistics, spatial] = [gaussian(3), gaussian(2)];
  await writeStatistics(path, { statistics, spatial });
  expect([...(await readNpz(path)).keys()]).toEqual(['mu', 'sigma', 'mu_s', 'sigma_s']);
  expect(await readFeatures(path)).toEqual({ statistics, spatial });
  const mu = { dtype: 'float32' as const, shape: [2], data: Float32Array.of(1, 2) };
  await writeNpz(path, { mu, sigma: mu });
  await expect(openEvaluationSet(path)).rejects.toThrow('expected a mean [D] and a covariance [D, D]');
});
