import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { formatNpz } from '@dpar/io';
import { createRandom } from '@dpar/tensor';
import { encode } from 'fast-png';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type CliRun, runCli } from '../testing/run-cli.js';
import { tinyNetwork } from '../testing/tiny-network.js';

/** Batches that the network has seen, and what it does at each. */
const batches = { seen: 0, at: (_seen: number): void => {} };

vi.mock('../images/feature-network.js', async (original) => ({
  ...(await original<typeof import('../images/feature-network.js')>()),
  loadFeatureNetwork: async (path: string, { resize = 'adm' }: { resize?: string }) =>
    tinyNetwork(`${path}, ${resize}`, () => batches.at(++batches.seen)),
}));

beforeEach(() => {
  batches.seen = 0;
  batches.at = () => {};
});

const size = 4;

function pixels(count: number, seed: number): Uint8Array {
  const random = createRandom(seed, 0);
  return Uint8Array.from({ length: count * size * size * 3 }, () => random.integer(256));
}

async function writeBatch(path: string, count: number, seed: number): Promise<void> {
  const arr_0 = { dtype: 'U8' as const, shape: [count, size, size, 3], bytes: pixels(count, seed) };
  await writeFile(path, formatNpz({ arr_0 }, { compress: true }));
}

async function writeFolder(folder: string, count: number, seed: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const data = pixels(count, seed);
  for (let i = 0; i < count; i++) {
    const bytes = data.subarray(i * size * size * 3, (i + 1) * size * size * 3);
    const png = encode({ width: size, height: size, data: bytes, channels: 3, depth: 8 });
    await writeFile(join(folder, `${String(i).padStart(4, '0')}.png`), png);
  }
}

/** A folder with the sets `refs.npz` (40 images) and `samples/` (30). */
async function sets() {
  const folder = await temporaryFolder();
  await writeBatch(join(folder, 'refs.npz'), 40, 1);
  await writeFolder(join(folder, 'samples'), 30, 2);
  const argv = ['eval', '--reference', join(folder, 'refs.npz'), '--samples', join(folder, 'samples')];
  return { folder, argv: [...argv, '--features', 'net.onnx', '--split-size', '10'] };
}

function json({ status, stdout, stderr }: CliRun) {
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const figures = ['fid', 'sfid', 'inception_score', 'precision', 'recall', 'kid'];

describe('dpar eval on images', () => {
  it('gives all figures, and keeps the features beside the sets', async () => {
    const { folder, argv } = await sets();
    const first = json(await runCli([...argv, '--json', '--quiet']));
    for (const name of figures) expect(first[name], name).toEqual(expect.any(Number));
    expect(first).toMatchObject({ reference_count: 40, sample_count: 30, extracted: 70, resize: 'net.onnx, adm' });
    expect((await readdir(folder)).sort()).toEqual([
      'refs.npz',
      expect.stringMatching(/^refs\.npz\.features-\w{12}\.npz$/),
      'samples',
      expect.stringMatching(/^samples\.features-\w{12}\.npz$/),
    ]);
    const seen = batches.seen;
    const { stdout } = await runCli(argv);
    expect(batches.seen).toBe(seen);
    expect(stdout).toMatch(/^reference +refs\.npz, N = 40$/m);
    expect(stdout).toMatch(/^samples +samples, N = 30$/m);
    expect(stdout).toMatch(/^feature network +First and last pixel, 3 numbers per image$/m);
    expect(stdout).toMatch(/^resize +net\.onnx, adm$/m);
    // Without caches, and with other batches, the same figures.
    for (const more of [
      ['--no-cache'],
      ['--no-cache', '--batch-size', '7'],
      ['--cache-folder', join(folder, 'caches')],
    ]) {
      const again = json(await runCli([...argv, ...more, '--json', '--quiet']));
      expect(Object.fromEntries(figures.map((name) => [name, again[name]]))).toEqual(
        Object.fromEntries(figures.map((name) => [name, first[name]])),
      );
    }
    expect(await readdir(folder)).toHaveLength(5);
    expect(await readdir(join(folder, 'caches'))).toHaveLength(2);
    // Another resize is another set of features.
    expect(json(await runCli([...argv, '--resize', 'clean', '--json', '--quiet']))).toMatchObject({ extracted: 70 });
  });

  it('gives an interval of FID on request', async () => {
    const { folder, argv } = await sets();
    const more = ['--no-cache', '--bootstrap', '20', '--quiet'];
    const found = json(await runCli([...argv, ...more, '--json']));
    const [low, high] = found.fid_interval;
    expect(low).toBeLessThanOrEqual(found.fid);
    expect(high).toBeGreaterThanOrEqual(found.fid);
    expect(found).toMatchObject({ fid_interval_level: 0.95, fid_standard_error: expect.any(Number) });
    expect((await runCli([...argv, ...more])).stdout).toContain('(95 %, 20 resamples of the samples)');
    const statistics = join(folder, 'statistics.npz');
    const mu = { dtype: 'float32' as const, shape: [3], data: Float32Array.of(9, 0, 0) };
    const sigma = { dtype: 'float32' as const, shape: [3, 3], data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) };
    await writeFile(statistics, formatNpz({ mu, sigma }));
    const refused = await runCli([...argv, ...more, '--samples', statistics]);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('expected features or images')]);
  });

  it('keeps the statistics that a file has beside its images, as those of ADM', async () => {
    const { folder, argv } = await sets();
    const own = json(await runCli([...argv, '--json', '--quiet', '--no-cache']));
    const mu = { dtype: 'float32' as const, shape: [3], data: Float32Array.of(9, 0, 0) };
    const sigma = { dtype: 'float32' as const, shape: [3, 3], data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) };
    const arr_0 = { dtype: 'U8' as const, shape: [40, size, size, 3], bytes: pixels(40, 1) };
    await writeFile(join(folder, 'refs.npz'), formatNpz({ arr_0, mu, sigma }));
    const found = json(await runCli([...argv, '--json', '--quiet', '--no-cache']));
    expect(found.fid).toBeGreaterThan(64);
    expect(found).toMatchObject({ precision: own.precision, recall: own.recall, kid: own.kid });
    expect(found).not.toHaveProperty('sfid');
  });

  it('names what is no image, and an image that is damaged', async () => {
    const { folder, argv } = await sets();
    const others = ['._0001.png', 'Thumbs.db', 'notes.txt'];
    for (const name of others) await writeFile(join(folder, 'samples', name), '');
    const { stderr, stdout } = await runCli([...argv, '--json']);
    expect(stderr).toContain('files left out because they are no images: ._0001.png, Thumbs.db, notes.txt');
    expect(JSON.parse(stdout).ignored_files).toEqual(others);
    await writeFile(join(folder, 'samples/0007.png'), 'no image');
    const failed = await runCli([...argv, '--quiet']);
    expect([failed.status, failed.stderr]).toEqual([1, expect.stringContaining('0007.png')]);
  });

  it('says where to get a network, and refuses two of them', async () => {
    const { folder, argv } = await sets();
    const without = argv.slice(0, 5);
    const { status, stderr } = await runCli(without);
    expect([status, stderr]).toEqual([1, expect.stringContaining('pt_inception-2015-12-05-6726825d.pth')]);
    const output = join(folder, 'refs-features.npz');
    json(
      await runCli([
        'features',
        '--images',
        join(folder, 'refs.npz'),
        '--features',
        'a.onnx',
        '--output',
        output,
        '--json',
      ]),
    );
    const mixed = await runCli([...argv, '--reference', output]);
    expect([mixed.status, mixed.stderr]).toEqual([
      1,
      expect.stringContaining('expected features of one network and resize'),
    ]);
    expect(json(await runCli([...argv, '--reference', output, '--features', 'a.onnx', '--json']))).toHaveProperty(
      'recall',
    );
  });

  it('resumes where it was interrupted', async () => {
    const { folder, argv } = await sets();
    await rm(join(folder, 'refs.npz'));
    await writeBatch(join(folder, 'refs.npz'), 700, 3);
    const interruption = new AbortController();
    batches.at = (seen) => {
      if (seen === 18) interruption.abort(); // two batches into the second part
    };
    const stopped = await runCli([...argv, '--json'], interruption.signal);
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toContain('interrupted. 512 of 700 images are in');
    expect(json(await runCli([...argv, '--json']))).toMatchObject({ extracted: 700 - 512 + 30 });
  });
});

describe('dpar features', () => {
  it('makes a folder in shares, which dpar merge makes the file of', async () => {
    const folder = await temporaryFolder();
    const [images, whole, parts, merged] = ['images.npz', 'whole.npz', 'parts', 'merged.npz'].map((name) =>
      join(folder, name),
    ) as [string, string, string, string];
    await writeBatch(images, 1100, 4);
    const argv = ['features', '--images', images, '--features', 'net.onnx', '--json', '--quiet', '--output'];
    expect(json(await runCli([...argv, whole]))).toMatchObject({
      images: 1100,
      extracted: 1100,
      resize: 'net.onnx, adm',
    });
    expect(json(await runCli([...argv, parts, '--shard', '1/2']))).toMatchObject({ images: 588, extracted: 588 });
    const early = await runCli(['merge', '--input', parts, '--output', merged]);
    expect([early.status, early.stderr]).toEqual([1, expect.stringContaining('got none of 0-511')]);
    expect(json(await runCli([...argv, parts, '--shard', '0/2']))).toMatchObject({ images: 512, extracted: 512 });
    expect(json(await runCli(['merge', '--input', parts, '--output', merged, '--json']))).toMatchObject({
      images: 1100,
    });
    expect(Buffer.compare(await readFile(merged), await readFile(whole))).toBe(0);
    const evaluation = ['eval', '--reference', parts, '--samples', whole, '--json', '--quiet'];
    expect(Math.abs(json(await runCli(evaluation)).fid)).toBeLessThan(1e-9);
  });

  it('refuses what it cannot do', async () => {
    const folder = await temporaryFolder();
    const images = join(folder, 'images.npz');
    await writeBatch(images, 4, 4);
    const run = (...argv: string[]) => runCli(['features', '--images', images, ...argv]);
    expect(await run('--features', 'a.onnx', '--output', 'x.npy')).toMatchObject({ status: 2 });
    expect(await run('--features', 'a.onnx', '--output', 'x.npz', '--shard', '0/2')).toMatchObject({ status: 2 });
    expect((await run('--output', 'x.npz')).stderr).toContain('expected --features FILE');
  });
});
