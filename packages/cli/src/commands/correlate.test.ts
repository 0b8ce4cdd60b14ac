import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { correlateGroups, correlateIndependent } from '@dpar/entropy';
import { writeNpy, writeNpz, writeSafetensors } from '@dpar/io/node';
import { pngOf } from '@dpar/pipeline';
import { createRandom, float32, int32 } from '@dpar/tensor';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { encodedPngSize } from '../correlate/png-size.js';
import { runCli } from '../testing/run-cli.js';

const [images, tokens] = [12, 16];

/** Entropies of two models that agree in part. */
function maps() {
  const random = createRandom(1);
  const first = random.fillNormal(new Float32Array(images * (tokens - 1)), { mean: 3 });
  const noise = random.fillNormal(new Float32Array(first.length));
  return { first, second: first.map((value, i) => 0.5 * value + (noise[i] ?? 0)) };
}

/** Pictures of more and more noise. */
function pictures(size: number): Uint8Array[] {
  const random = createRandom(2);
  return Array.from({ length: images }, (_, image) =>
    Uint8Array.from({ length: 3 * size * size }, () => 128 + Math.floor((random.uniform() - 0.5) * 18 * image)),
  );
}

const json = async (...argv: string[]) => {
  const { stdout, stderr, status } = await runCli(['correlate', '--json', '--quiet', ...argv]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
};

describe('dpar correlate of entropy maps', () => {
  it('reads safetensors and npy, and gives the interval of images', async () => {
    const folder = await temporaryFolder();
    const { first, second } = maps();
    const [a, b] = [join(folder, 'a.safetensors'), join(folder, 'b.npy')];
    const codes = int32([images, tokens]);
    await writeSafetensors(a, { tokens: codes, entropies: float32([images, tokens - 1], first) });
    await writeNpy(b, float32([images, tokens - 1], second));
    const found = await json('--entropies', a, '--against', b, '--resamples', '300', '--level', '0.9', '--seed', '4');
    const expected = correlateGroups(first, second, tokens - 1, { resamples: 300, level: 0.9, seed: 4 });
    const { correlation, low, high, level } = expected;
    expect(found).toMatchObject({ correlation, low, high, level, images, tokens: 180, resamples: 300 });
    expect(found.correlation).toBeGreaterThan(0.2);
    const { stdout } = await runCli(['correlate', '--entropies', a, '--against', a]);
    expect(stdout).toContain('1.0000 (1.0000 to 1.0000 at 95 %)');
  });

  it('refuses maps of other tokens', async () => {
    const folder = await temporaryFolder();
    const { first } = maps();
    const write = async (name: string, code: number, rows = images) => {
      const path = join(folder, name);
      const entropies = float32([rows, tokens - 1], first.slice(0, rows * (tokens - 1)));
      await writeSafetensors(path, {
        tokens: int32([rows, tokens], new Int32Array(rows * tokens).fill(code)),
        entropies,
      });
      return path;
    };
    const a = await write('a.safetensors', 1);
    const fail = async (...argv: string[]) => (await runCli(['correlate', ...argv])).stderr;
    expect(await fail('--entropies', a, '--against', await write('b.safetensors', 2))).toContain(
      'got different tokens in',
    );
    const short = await write('c.safetensors', 1, 5);
    expect(await fail('--entropies', a, '--against', short)).toContain('got [12, 15] in');
    expect(await fail('--entropies', a)).toContain('expected --entropies A --against B, or --images PATH');
    const other = join(folder, 'd.safetensors');
    await writeSafetensors(other, { tokens: int32([1, 2]) });
    expect(await fail('--entropies', other, '--against', a)).toContain("expected 'entropies' in");
  });
});

describe('dpar correlate of patches and PNG sizes', () => {
  /** Lengths of 1, 2, 3, ... patches, padded. */
  const lengths = Int32Array.from({ length: images * images }, (_, at) =>
    at % images <= Math.floor(at / images) ? 1 : 0,
  );
  const counts = Array.from({ length: images }, (_, i) => i + 1);

  it('takes the sizes of PNG files in the order of their paths', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'set'));
    const size = 8;
    const sizes: number[] = [];
    for (const [i, data] of pictures(size).entries()) {
      const path = join(folder, 'set', `${String(i).padStart(3, '0')}.png`);
      await writeFile(path, pngOf({ data, size }));
      sizes.push((await stat(path)).size);
    }
    const patches = join(folder, 'patches.safetensors');
    await writeSafetensors(patches, { patch_lengths: int32([images, images], lengths) });
    for (const name of ['Thumbs.db', '._000.png', 'notes.txt']) await writeFile(join(folder, 'set', name), '');
    const found = await json('--images', join(folder, 'set'), '--patch-lengths', patches);
    const { correlation, low, high } = correlateIndependent(counts, sizes);
    expect(found).toMatchObject({
      correlation,
      low,
      high,
      images,
      mean_patches: 6.5,
      png_sizes: 'sizes of the PNG files',
      ignored_files: ['._000.png', 'Thumbs.db', 'notes.txt'],
    });
    expect(found.correlation).toBeGreaterThan(0.6);
  });

  it('encodes the images of an npz, and finds patches by a threshold', async () => {
    const folder = await temporaryFolder();
    const size = 9;
    const all = pictures(size);
    const npz = join(folder, 'samples.npz');
    await writeNpz(npz, {
      arr_0: { dtype: 'U8', shape: [images, size, size, 3], bytes: Uint8Array.from(Buffer.concat(all)) },
    });
    const entropies = join(folder, 'entropies.npy');
    // Image i has i tokens above the threshold, of those that start no row and no fifth token.
    const data = Float32Array.from({ length: images * (tokens - 1) }, (_, at) => {
      return at % (tokens - 1) < Math.floor(at / (tokens - 1)) ? 2 : 0;
    });
    await writeNpy(entropies, float32([images, tokens - 1], data));
    const found = await json('--images', npz, '--entropies', entropies, '--threshold', '1');
    const sizes = await Promise.all(all.map((picture) => encodedPngSize({ width: size, height: size, data: picture })));
    expect(found.mean_png_bytes).toBeCloseTo(sizes.reduce((a, b) => a + b) / images, 9);
    expect(found.png_sizes).toContain('zlib level 9');
    expect(found.correlation).toBeGreaterThan(0.6);
    const { stderr } = await runCli(['correlate', '--images', npz, '--entropies', entropies]);
    expect(stderr).toContain('expected --threshold');
    const few = join(folder, 'few.npy');
    await writeNpy(few, float32([5, tokens - 1]));
    const wrong = await runCli(['correlate', '--images', npz, '--entropies', few, '--threshold', '1']);
    expect(wrong.stderr).toContain('got 12 and 5');
  });
});

describe('encodedPngSize', () => {
  it('is less than without filters on a slope, and about the bytes of noise', async () => {
    const side = 32;
    const slope = Uint8Array.from({ length: 3 * side * side }, (_, at) => {
      return 3 * (Math.floor(at / 3) % side) + 4 * Math.floor(at / 3 / side);
    });
    const slopeSize = await encodedPngSize({ width: side, height: side, data: slope });
    expect(slopeSize).toBeLessThan(pngOf({ data: slope, size: side }).length / 2);
    const noise = createRandom(1).fillUniform(new Float32Array(3 * side * side), { high: 256 });
    const noiseSize = await encodedPngSize({ width: side, height: side, data: Uint8Array.from(noise) });
    expect(noiseSize).toBeGreaterThan(3 * side * side);
    expect(noiseSize).toBeLessThan(3 * side * side + 200);
  });

  it('of one colour is that of the smallest file, to the byte', async () => {
    // The same rows as an encoder without filters writes: all zero.
    const [size, data] = [16, new Uint8Array(3 * 16 * 16)];
    const png = pngOf({ data, size });
    expect(decode(png).data).toEqual(data);
    const at = Buffer.from(png).indexOf('IDAT');
    const raw = inflateSync(png.subarray(at + 4));
    expect(raw).toHaveLength(16 * 49);
    expect(await encodedPngSize({ width: size, height: size, data })).toBe(57 + deflateSync(raw, { level: 9 }).length);
  });
});
