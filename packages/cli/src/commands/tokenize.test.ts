import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { formatNpz, toHostTensors } from '@dpar/io';
import { readNpy, readNpz, readSafetensors } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { PartFolder } from '@dpar/shards';
import { createRandom, createReferenceEngine, int32 } from '@dpar/tensor';
import { createTokenizer, imagesFromBytes, tokenizerKinds } from '@dpar/tokenizer';
import { createDiskSource, findTokenLayout } from '@dpar/train/node';
import { decode, encode } from 'fast-png';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { tokenizerFolder } from '../testing/sampling.js';

afterEach(() => vi.restoreAllMocks());

/** A random image of 16 pixels. */
function pixelsOf(seed: number): Uint8Array {
  const random = createRandom(seed, 3);
  return Uint8Array.from({ length: 768 }, () => random.integer(256));
}

/** 7 images of classes bird (0), cat (1) and dog (2), in the order of their paths. */
const files = ['bird/a.png', 'bird/b.png', 'bird/deep/c.png', 'cat/x.png', 'dog/1.png', 'dog/10.png', 'dog/2.png'];
const labels = [0, 0, 0, 1, 2, 2, 2];

async function imageFolder(): Promise<string> {
  const folder = join(await temporaryFolder(), 'images');
  for (const [i, file] of files.entries()) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, encode({ width: 16, height: 16, data: pixelsOf(i), channels: 3, depth: 8 }));
  }
  return folder;
}

async function cli(...argv: string[]) {
  const result = await runCli([...argv, '--quiet', '--threads', '1', '--json']);
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  return JSON.parse(result.stdout);
}

/** All files below a folder, by their paths. */
async function contentsOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(
    paths.sort().map(async (path) => [path.slice(folder.length), (await readFile(path)).toString('base64')] as const),
  );
  return new Map(contents);
}

/** The tokens that a tokenizer of a folder gives images, mirrored or not. */
async function tokensOf(folder: string, mirrored = false): Promise<number[][]> {
  const model = await loadModel(folder, { kinds: tokenizerKinds });
  const tokenizer = createTokenizer(createReferenceEngine(), model);
  return Promise.all(
    files.map(async (_, i) => {
      const pixels = pixelsOf(i);
      const flipped = pixels.map((_, j) => {
        const [pixel, channel] = [Math.floor(j / 3), j % 3];
        return pixels[3 * (16 * Math.floor(pixel / 16) + 15 - (pixel % 16)) + channel] as number;
      });
      return [...(await tokenizer.encode(imagesFromBytes(mirrored ? flipped : pixels, 16))).data];
    }),
  );
}

describe('dpar tokenize', () => {
  it('makes shards that dpar train reads, of a folder with a class in each subfolder', async () => {
    const [tokenizer, input] = [await tokenizerFolder(), await imageFolder()];
    await writeFile(join(input, 'notes.txt'), '');
    const output = join(await temporaryFolder(), 'tokens');
    const argv = ['tokenize', '--tokenizer', tokenizer, '--input', input, '--output', output, '--part-size', '3'];
    const result = await cli(...argv);
    expect(result).toMatchObject({
      images: 7,
      tokenized: 7,
      missing: 0,
      variants: 1,
      tokens_per_image: 64,
      classes: 3,
    });
    expect(result).toMatchObject({ ignored_files: ['notes.txt'], empty_classes: [] });
    expect((await readdir(output)).sort()).toEqual([
      '000000-000002.safetensors',
      '000003-000005.safetensors',
      '000006-000006.safetensors',
      'classes.json',
      'images.jsonl',
      'tokenize.json',
    ]);
    const { tensors } = await readSafetensors(join(output, '000003-000005.safetensors'));
    expect(toHostTensors(tensors).tokens?.shape).toEqual([3, 64]);
    const expected = await tokensOf(tokenizer);
    const source = createDiskSource(await findTokenLayout(output));
    const all = await source.load(
      Int32Array.from({ length: 7 }, (_, i) => i),
      new Int32Array(7),
    );
    expect(all.tokens).toEqual(int32([7, 64], expected.flat()));
    expect([...all.labels.data]).toEqual(labels);
    expect(await cli(...argv)).toMatchObject({ tokenized: 0, crops_per_second: null });
  });

  it("makes LlamaGen's layout, with mirrored variants", async () => {
    const [tokenizer, input] = [await tokenizerFolder(), await imageFolder()];
    const output = join(await temporaryFolder(), 'tokens');
    const argv = ['tokenize', '--tokenizer', tokenizer, '--input', input, '--output', output, '--flip'];
    expect(await cli(...argv, '--layout', 'llamagen', '--name', 'tiny16')).toMatchObject({ images: 7, variants: 2 });
    const [straight, mirrored] = [await tokensOf(tokenizer), await tokensOf(tokenizer, true)];
    for (const [i, label] of labels.entries()) {
      const codes = await readNpy(join(output, 'tiny16_codes', `${i}.npy`));
      expect([codes.dtype, codes.shape]).toEqual(['I64', [1, 2, 64]]);
      const values = [...new BigInt64Array(codes.bytes.slice().buffer)].map(Number);
      expect(values).toEqual([...(straight[i] ?? []), ...(mirrored[i] ?? [])]);
      const { bytes, shape } = await readNpy(join(output, 'tiny16_labels', `${i}.npy`));
      expect([shape, bytes[0]]).toEqual([[1], label]);
    }
    expect(await findTokenLayout(output)).toMatchObject({
      form: 'llamagen',
      images: 7,
      variants: 2,
      tokensPerImage: 64,
    });
  });

  it('reads ADM batches, and shows what the tokens hold', async () => {
    const tokenizer = await tokenizerFolder();
    const folder = await temporaryFolder();
    const input = join(folder, 'batch.npz');
    const pixels = new Uint8Array(5 * 768);
    for (let i = 0; i < 5; i++) pixels.set(pixelsOf(i), 768 * i);
    const given = BigInt64Array.of(4n, 0n, 2n, 2n, 1n);
    const arr_0 = { dtype: 'U8' as const, shape: [5, 16, 16, 3], bytes: pixels };
    const arr_1 = { dtype: 'I64' as const, shape: [5], bytes: new Uint8Array(given.buffer) };
    await writeFile(input, formatNpz({ arr_0, arr_1 }, { compress: true }));
    const [output, check] = [join(folder, 'tokens'), join(folder, 'check.png')];
    const argv = ['tokenize', '--tokenizer', tokenizer, '--input', input, '--output', output];
    const ten = await cli(...argv, '--crop', 'ten', '--size', '8', '--crop-range', '1.25', '--check', check);
    expect(ten).toMatchObject({ images: 5, variants: 10, tokens_per_image: 16, classes: 4 });
    const { tensors } = await readSafetensors(join(output, '000000-000004.safetensors'));
    const { tokens, labels: written } = toHostTensors(tensors);
    expect(tokens?.shape).toEqual([5, 10, 16]);
    expect([...(written?.data ?? [])]).toEqual([4, 0, 2, 2, 1]);
    expect(ten.check.images).toHaveLength(5);
    expect(ten.check.psnr).toBeGreaterThan(0);
    const grid = decode(await readFile(check));
    expect([grid.width, grid.height]).toEqual([8 * 10 + 2, 2 * 10 + 2]);

    // The right picture of each pair is what detokenizing gives.
    const images = join(folder, 'images.npz');
    await cli('detokenize', '--tokenizer', tokenizer, '--input', output, '--output', images);
    const decoded = (await readNpz(images)).get('arr_0');
    expect(decoded?.shape).toEqual([5, 8, 8, 3]);
    const pair = (i: number) => 3 * (grid.width * (2 + 10 * Math.floor(i / 4)) + 2 + 10 * (2 * (i % 4) + 1));
    for (const i of [0, 3, 4]) {
      expect([...grid.data.subarray(pair(i), pair(i) + 24)]).toEqual([
        ...(decoded?.bytes.subarray(192 * i, 192 * i + 24) ?? []),
      ]);
    }
  });

  describe.each(['shards', 'llamagen'])('%s', (layout) => {
    it('of parts in any order, each interrupted, are those of one run', { timeout: 60_000 }, async () => {
      const [tokenizer, input] = [await tokenizerFolder(), await imageFolder()];
      const folder = await temporaryFolder();
      const argv = [
        'tokenize',
        '--tokenizer',
        tokenizer,
        '--input',
        input,
        '--flip',
        '--part-size',
        '2',
        '--layout',
        layout,
      ];
      await cli(...argv, '--output', join(folder, 'whole'));
      const output = join(folder, 'parts');
      for (const part of ['2/3', '0/3', '1/3']) {
        const interruption = new AbortController();
        const add = PartFolder.prototype.add;
        vi.spyOn(PartFolder.prototype, 'add').mockImplementation(async function (this: PartFolder, ...rest) {
          await add.apply(this, rest);
          interruption.abort();
        });
        if (layout === 'llamagen') setTimeout(() => interruption.abort(), 40);
        const argvOfPart = [...argv, '--output', output, '--shard', part];
        const { status } = await runCli([...argvOfPart, '--quiet', '--threads', '1'], interruption.signal);
        vi.restoreAllMocks();
        expect([0, 130]).toContain(status);
        await cli(...argvOfPart);
      }
      expect(await contentsOf(output)).toEqual(await contentsOf(join(folder, 'whole')));
      // Damage to a file is made good.
      if (layout === 'shards') await writeFile(join(output, '000002-000003.safetensors'), 'damaged');
      else await rm(join(output, 'images16_labels', '3.npy'));
      expect(await cli(...argv, '--output', output)).toMatchObject({ tokenized: 2 });
      expect(await contentsOf(output)).toEqual(await contentsOf(join(folder, 'whole')));
    });
  });

  it('says what is wrong before it begins', async () => {
    const [tokenizer, input, folder] = [await tokenizerFolder(), await imageFolder(), await temporaryFolder()];
    const argv = ['tokenize', '--tokenizer', tokenizer, '--input', input, '--output', join(folder, 'out')];
    const wrong: [string[], number, string][] = [
      [['--crop', 'ten', '--flip'], 2, '--flip: expected --crop center'],
      [['--size', '15'], 2, 'a multiple of 2, the pixels of a token, got 15'],
      [['--check', 'x.jpg'], 2, '--check: expected a path that ends in .png'],
      [['--name', 'x'], 2, '--name: expected --layout llamagen'],
      [['--tokenizer', fixturePath('llamagen')], 1, 'expected a model of kind "vq" or "patch-vq"'],
      [['--input', folder], 1, 'expected images in'],
    ];
    for (const [more, expected, message] of wrong) {
      const { status, stderr } = await runCli([...argv, ...more]);
      expect(stderr).toContain(message);
      expect(status).toBe(expected);
    }
    await cli(...argv);
    const { status, stderr } = await runCli([...argv, '--flip']);
    expect(stderr).toContain("expected 'flip' false as in");
    expect(status).toBe(1);
    await writeFile(join(input, 'alone.png'), await readFile(join(input, 'cat', 'x.png')));
    expect((await runCli(argv)).stderr).toContain("alone.png' beside folders. Move it into one.");
  });
});

describe('dpar detokenize', () => {
  it('gives back images in the folders of their classes, which tokenize to the same tokens', async () => {
    const [tokenizer, input, folder] = [await tokenizerFolder(), await imageFolder(), await temporaryFolder()];
    const [tokens, images, again] = ['tokens', 'images', 'again'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await cli('tokenize', '--tokenizer', tokenizer, '--input', input, '--output', tokens);
    const argv = ['detokenize', '--tokenizer', tokenizer, '--input', tokens, '--output', images];
    for (const part of ['1/2', '0/2']) await cli(...argv, '--shard', part);
    const names = ['bird/000000', 'bird/000001', 'bird/000002', 'cat/000003', 'dog/000004', 'dog/000005', 'dog/000006'];
    expect([...(await contentsOf(images)).keys()]).toEqual([...names.map((name) => `/${name}.png`), '/sample.json']);
    expect(await cli(...argv)).toMatchObject({ images: 7, decoded: 0 });
    await rm(join(images, 'cat/000003.png'));
    expect(await cli(...argv)).toMatchObject({ images: 7, decoded: 1, image_size: 16 });
    const whole = join(folder, 'whole');
    await cli(...argv.slice(0, -1), whole);
    expect(await contentsOf(images)).toEqual(await contentsOf(whole));
    await cli('tokenize', '--tokenizer', tokenizer, '--input', images, '--output', again);
    const load = async (path: string) => {
      const source = createDiskSource(await findTokenLayout(path));
      return [
        ...(
          await source.load(
            Int32Array.from({ length: 7 }, (_, i) => i),
            new Int32Array(7),
          )
        ).labels.data,
      ];
    };
    expect(await load(again)).toEqual(labels);
  });

  it('takes any variant, and is the same file after an interruption', async () => {
    const [tokenizer, input, folder] = [await tokenizerFolder(), await imageFolder(), await temporaryFolder()];
    const tokens = join(folder, 'tokens');
    await cli('tokenize', '--tokenizer', tokenizer, '--input', input, '--output', tokens, '--flip');
    const pixels = async (variant: string) => {
      const output = join(folder, `${variant}.npz`);
      await cli('detokenize', '--tokenizer', tokenizer, '--input', tokens, '--output', output, '--variant', variant);
      const arrays = await readNpz(output);
      expect(
        [...new BigInt64Array(arrays.get('arr_1')?.bytes.slice().buffer ?? new ArrayBuffer())].map(Number),
      ).toEqual(labels);
      return arrays.get('arr_0')?.bytes ?? new Uint8Array();
    };
    expect(Buffer.compare(await pixels('0'), await pixels('1'))).not.toBe(0);

    const argv = ['detokenize', '--tokenizer', tokenizer, '--input', tokens, '--variant', '1'];
    const output = join(folder, 'again.npz');
    const interruption = new AbortController();
    const add = PartFolder.prototype.add;
    vi.spyOn(PartFolder.prototype, 'add').mockImplementation(async function (this: PartFolder, ...rest) {
      await add.apply(this, rest);
      interruption.abort();
    });
    const { status, stderr } = await runCli([...argv, '--output', output, '--threads', '1'], interruption.signal);
    expect(status).toBe(130);
    expect(stderr).toContain('run the same command again to resume');
    vi.restoreAllMocks();
    await cli(...argv, '--output', output);
    expect(await readFile(output)).toEqual(await readFile(join(folder, '1.npz')));
    expect((await runCli([...argv, '--variant', '2', '--output', output])).stderr).toContain(
      '--variant: expected 0 to 1',
    );
  });
});
