import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { exportOnnx } from '@dpar/engine-ort';
import { toHostTensors } from '@dpar/io';
import { readSafetensors, writeSafetensors } from '@dpar/io/node';
import { createRandom, int32, named, type TensorFunction } from '@dpar/tensor';
import { encode } from 'fast-png';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { tokenizerFolder } from '../testing/sampling.js';

const size = 16;
const raw = { raw: { width: size, height: size, channels: 3 as const } };

/** Bytes of a random image. */
function randomBytes(seed: number, channels = 3): Uint8Array {
  const random = createRandom(seed, 7);
  return Uint8Array.from({ length: channels * size * size }, () => random.integer(256));
}

const pngOf = (data: Uint8Array, channels: 3 | 4 = 3): Uint8Array =>
  encode({ width: size, height: size, data, channels, depth: 8 });

let folder: string;
let tokenizer: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  tokenizer = await tokenizerFolder();
});

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), bytes);
}

const run = (...argv: string[]) => runCli([...argv, '--threads', '1', '--json', '--quiet']);

async function json(...argv: string[]) {
  const { status, stdout, stderr } = await run(...argv);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

const tokenize = (input: string, output: string, ...more: string[]) => [
  'tokenize',
  '--tokenizer',
  tokenizer,
  '--input',
  join(folder, input),
  '--output',
  join(folder, output),
  ...more,
];

/** Content of a folder with one part. */
async function tokensIn(output: string) {
  const part = (await readdir(join(folder, output))).filter((name) => name.endsWith('.safetensors'));
  expect(part).toHaveLength(1);
  const { tokens, labels } = toHostTensors((await readSafetensors(join(folder, output, part[0] as string))).tensors);
  return { tokens: [...(tokens?.data ?? [])], labels: [...(labels?.data ?? [])] };
}

/** Eight JPEG files of one picture, each stored in another orientation, and PNG files of how they are to be seen. */
async function writeTurned(): Promise<void> {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const image = sharp(randomBytes(3), raw).withMetadata({ orientation });
    const file = await image.jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    await write(`turned/a/${orientation}.jpg`, file);
    await write(`upright/a/${orientation}.png`, await sharp(file).rotate().png().toBuffer());
  }
}

/** Means of the four quarters of images [N, 3, 16, 16]. */
const quarterMeans: TensorFunction = (ops, inputs) => {
  const pooled = ops.averagePool2d(named(inputs, 'images'), { kernel: [8, 8], stride: 8 });
  return { pool: ops.reshape(pooled, [4, 12]) };
};

async function networkOptions(): Promise<string[]> {
  const type = { dtype: 'float32', shape: [4, 3, size, size] } as const;
  await write('net.onnx', exportOnnx(quarterMeans, { images: type }));
  return ['--features', join(folder, 'net.onnx'), '--range', 'unit'];
}

describe('pictures turned by EXIF', () => {
  it('are upright in tokens', async () => {
    await writeTurned();
    await json(...tokenize('turned', 'a'));
    await json(...tokenize('upright', 'b'));
    const { tokens } = await tokensIn('a');
    expect(tokens).toEqual((await tokensIn('b')).tokens);
    expect(new Set(Array.from({ length: 8 }, (_, i) => tokens.slice(64 * i, 64 * (i + 1)).join())).size).toBe(8);
  });

  it('are upright in features of an ONNX network, and as stored on request, with a note', async () => {
    await writeTurned();
    const argv = ['eval', '--reference', join(folder, 'upright'), '--samples', join(folder, 'turned')];
    const options = [...argv, ...(await networkOptions()), '--no-cache'];
    expect(Math.abs((await json(...options)).fid)).toBeLessThan(1e-9);
    expect((await json(...options, '--orientation', 'stored')).fid).toBeGreaterThan(1e-4);
    const { stderr } = await runCli([...options, '--orientation', 'stored']);
    expect(stderr).toContain('turned: 7 images with an EXIF orientation, which is ignored');
  });
});

it('whole pictures are tokenized on the background with --crop fit', async () => {
  const pixels = randomBytes(4).subarray(0, (3 * size * size) / 2);
  await write('wide/a/1.png', encode({ width: size, height: size / 2, data: pixels, channels: 3, depth: 8 }));
  const square = new Uint8Array(3 * size * size);
  square.set(pixels, (3 * size * size) / 4);
  await write('square/a/1.png', pngOf(square));
  await json(...tokenize('square', 'a'));
  await json(...tokenize('wide', 'b', '--crop', 'fit', '--background', 'black'));
  expect(await tokensIn('b')).toEqual(await tokensIn('a'));
  await json(...tokenize('wide', 'c', '--crop', 'fit'));
  expect(await tokensIn('c')).not.toEqual(await tokensIn('a'));
  expect((await json(...tokenize('wide', 'd', '--crop', 'fit', '--flip'))).variants).toBe(2);
});

describe('transparent pictures', () => {
  it('are put on a colour for tokens, white by default', async () => {
    const pixels = randomBytes(5, 4);
    await write('alpha/a/1.png', pngOf(pixels, 4));
    for (const [name, value] of [
      ['white', 255],
      ['black', 0],
    ] as const) {
      const flat = Uint8Array.from({ length: 3 * size * size }, (_, i) => {
        const [at, channel] = [4 * Math.floor(i / 3), i % 3];
        const opacity = pixels[at + 3] as number;
        return Math.round(((pixels[at + channel] as number) * opacity + value * (255 - opacity)) / 255);
      });
      await write(`${name}/a/1.png`, pngOf(flat));
      await json(...tokenize(name, `${name}-tokens`));
    }
    const { stderr } = await runCli(tokenize('alpha', 'x'));
    expect(stderr).toContain('alpha: 1 image with transparent pixels, read on #ffffff (--background COLOR)');
    expect(await tokensIn('x')).toEqual(await tokensIn('white-tokens'));
    await json(...tokenize('alpha', 'y', '--background', 'black'));
    expect(await tokensIn('y')).toEqual(await tokensIn('black-tokens'));
    expect((await tokensIn('y')).tokens).not.toEqual((await tokensIn('x')).tokens);
    // Tokens on another colour are others.
    const { status, stderr: refusal } = await run(...tokenize('alpha', 'y'));
    expect([status, refusal]).toEqual([1, expect.stringContaining("'background'")]);
  });

  it.each(['transparent', '#fffff', 'rgba(0, 0, 0, 0.5)', 'no colour'])('refuses %s as background', async (color) => {
    await write('alpha/a/1.png', pngOf(randomBytes(5, 4), 4));
    const { status, stderr } = await run(...tokenize('alpha', 'x', '--background', color));
    expect(status).toBe(2);
    expect(stderr).toContain(`expected an opaque colour, such as white, black or #ff8800, got '${color}'`);
  });

  it('lose their transparency in features, unless a background is given', async () => {
    const network = await networkOptions();
    for (let i = 0; i < 6; i++) {
      const pixels = randomBytes(i, 4).map((value, at) => (at % 4 === 3 ? 0 : value));
      await write(`alpha/${i}.png`, pngOf(pixels, 4));
      await write(`opaque/${i}.png`, pngOf(pixels.filter((_, at) => at % 4 !== 3)));
      await write(
        `red/${i}.png`,
        pngOf(pixels.filter((_, at) => at % 4 !== 3).map((_, at) => (at % 3 === 0 ? 255 : 0))),
      );
    }
    const argv = (reference: string) => [
      'eval',
      '--reference',
      join(folder, reference),
      '--samples',
      join(folder, 'alpha'),
    ];
    expect(Math.abs((await json(...argv('opaque'), ...network)).fid)).toBeLessThan(1e-9);
    expect(Math.abs((await json(...argv('red'), ...network, '--background', '#f00')).fid)).toBeLessThan(1e-9);
  });
});

/** Two classes of images, of which three cannot be read. */
async function writeDamaged(): Promise<void> {
  for (let i = 0; i < 8; i++) await write(`set/${i < 4 ? 'cat' : 'dog'}/${i}.png`, pngOf(randomBytes(i)));
  await write('set/cat/1.png', pngOf(randomBytes(1)).subarray(0, 300));
  await write('set/dog/5.png', Buffer.from('BM\0\0\0\0\0\0\0\0\0\0', 'latin1'));
  await write('set/dog/7.png', new Uint8Array());
}

describe('images that cannot be read', () => {
  it('are all named before anything is tokenized', async () => {
    await writeDamaged();
    const { status, stdout, stderr } = await run(...tokenize('set', 'x', '--part-size', '1'));
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('expected readable images, got 3 of 8 that cannot be read');
    expect(stderr).toContain(`'${join(folder, 'set/cat/1.png')}' (a damaged file (decodePng: expected a whole file`);
    expect(stderr).toContain(`'${join(folder, 'set/dog/5.png')}' (BMP, which is not supported: convert it to PNG`);
    expect(stderr).toContain(`'${join(folder, 'set/dog/7.png')}' (an empty file)`);
    expect(stderr).toContain('--skip-damaged');
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });

  it('are left out of tokens on request, and listed', async () => {
    await writeDamaged();
    for (const i of [0, 2, 3, 4, 6]) await write(`sound/${i < 4 ? 'cat' : 'dog'}/${i}.png`, pngOf(randomBytes(i)));
    const skipped = ['cat/1.png', 'dog/5.png', 'dog/7.png'].map((name) => join(folder, 'set', name));
    const found = await json(...tokenize('set', 'x', '--skip-damaged'));
    expect(found).toMatchObject({ images: 5, tokenized: 5, missing: 0, skipped_files: skipped });
    await json(...tokenize('sound', 'y'));
    expect(await tokensIn('x')).toEqual(await tokensIn('y'));
    expect((await tokensIn('x')).labels).toEqual([0, 0, 0, 1, 1]);
    // Shares agree on what is left, and a second run on what is there.
    const parts = ['--skip-damaged', '--part-size', '2'];
    for (const share of ['1/2', '0/2']) await json(...tokenize('set', 'z', ...parts, '--shard', share));
    expect(await json(...tokenize('set', 'z', ...parts))).toMatchObject({ images: 5, tokenized: 0, missing: 0 });
    const { stderr } = await runCli(tokenize('set', 'x', '--skip-damaged'));
    expect(stderr).toContain('set: 3 images left out because they cannot be read: ');
    for (const name of skipped) expect(stderr).toContain(name);
  });

  it('keep the numbers of their classes', async () => {
    await writeDamaged();
    await write('set/bird/0.png', new Uint8Array(5));
    const found = await json(...tokenize('set', 'x', '--skip-damaged'));
    expect(found.skipped_files).toContain(join(folder, 'set/bird/0.png'));
    expect((await tokensIn('x')).labels).toEqual([1, 1, 1, 2, 2]);
    expect(JSON.parse(await readFile(join(folder, 'x/classes.json'), 'utf8'))).toEqual(['bird', 'cat', 'dog']);
  });

  it('are named, or left out, of features and evaluations', async () => {
    await writeDamaged();
    const network = await networkOptions();
    const features = ['features', '--images', join(folder, 'set'), ...network, '--output'];
    const refused = await run(...features, join(folder, 'x.npz'));
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/got 3 of 8 .*1\.png.*5\.png.*7\.png/)]);
    const found = await json(...features, join(folder, 'x.npz'), '--skip-damaged');
    expect(found).toMatchObject({ images: 5, extracted: 5 });
    expect(found.skipped_files).toHaveLength(3);
    const evaluation = ['eval', '--reference', join(folder, 'x.npz'), '--samples', join(folder, 'set'), ...network];
    expect((await run(...evaluation)).stderr).toMatch(/got 3 of 8 .*1\.png.*5\.png.*7\.png/);
    const figures = await json(...evaluation, '--skip-damaged');
    expect(figures).toMatchObject({ sample_count: 5, extracted: 5, skipped_files: found.skipped_files });
    expect(Math.abs(figures.fid)).toBeLessThan(1e-9);
    expect(await json(...evaluation, '--skip-damaged')).toMatchObject({ extracted: 0 });
  });

  it('are all named of both sets of an evaluation, before any features are computed', async () => {
    await writeDamaged();
    await write('other/a.png', new Uint8Array());
    const options = [...(await networkOptions()), '--cache-folder', join(folder, 'cache')];
    const argv = ['eval', '--reference', join(folder, 'other'), '--samples', join(folder, 'set'), ...options];
    const { status, stdout, stderr } = await run(...argv);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/got 4 of 9 that cannot be read: .*other\/a\.png.*1\.png.*5\.png.*7\.png/);
    expect(await readdir(join(folder, 'cache')).catch(() => [])).toEqual([]);
  });

  it('are an error if none is left', async () => {
    await write('set/a/0.png', new Uint8Array());
    const { status, stderr } = await run(...tokenize('set', 'x', '--skip-damaged'));
    expect([status, stderr]).toEqual([1, expect.stringContaining('got 1 unreadable ones, such as')]);
  });
});

describe('files whose names say another format', () => {
  it('are tokenized by what they hold', async () => {
    const png = pngOf(randomBytes(4));
    await write('named/a/1.jpg', png);
    await write('named/a/2.png', await sharp(png).webp({ lossless: true }).toBuffer());
    await write('named/a/3.webp', await sharp(png).tiff({ compression: 'lzw' }).toBuffer());
    for (const name of ['1', '2', '3']) await write(`right/a/${name}.png`, png);
    await json(...tokenize('named', 'x'));
    await json(...tokenize('right', 'y'));
    expect(await tokensIn('x')).toEqual(await tokensIn('y'));
  });

  it('are measured by what they hold', async () => {
    const lengths = int32([4, 3], [1, 1, 1, 3, 0, 0, 2, 1, 0, 1, 2, 0]);
    await writeSafetensors(join(folder, 'lengths.safetensors'), { patch_lengths: lengths });
    const correlate = [
      'correlate',
      '--images',
      join(folder, 'set'),
      '--patch-lengths',
      join(folder, 'lengths.safetensors'),
    ];
    const files = [1, 2, 3, 0].map((seed) => pngOf(randomBytes(seed).fill(9, 0, 200 * seed)));
    for (const [i, file] of files.entries()) await write(`set/${i}.jpg`, file);
    const mean = files.reduce((sum, { length }) => sum + length, 0) / 4;
    expect(await json(...correlate)).toMatchObject({ png_sizes: 'sizes of the PNG files', mean_png_bytes: mean });
    await rm(join(folder, 'set/0.jpg'));
    await write('set/0.png', await sharp(files[0]).jpeg().toBuffer());
    await write('set/9.jpg', new Uint8Array());
    expect((await run(...correlate)).stderr).toContain('got 5 and 4');
    const sound = await json(...correlate, '--skip-damaged');
    expect(sound).toMatchObject({ images: 4, skipped_files: [join(folder, 'set/9.jpg')] });
    expect(sound.png_sizes).toContain('encoded as PNG');
  });
});
