import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { formatNpy, formatNpz, type StoredDType } from '@dpar/io';
import { createRandom } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

describe.each(['eval-64d', 'eval-singular'])('dpar eval on %s', (name) => {
  const samples = ['--samples', fixturePath(`${name}/sample_features.npy`)];
  const expected = readFile(fixturePath(`${name}/expected.json`), 'utf8').then((text) => JSON.parse(text));

  it('gives all figures that features and logits allow', async () => {
    const { fid, inception_score: score, precision, recall } = await expected;
    const reference = ['--reference', fixturePath(`${name}/reference_features.npy`)];
    const logits = ['--logits', fixturePath(`${name}/sample_logits.npy`), '--split-size', '100'];
    const found = JSON.parse((await runCli(['eval', '--json', ...reference, ...samples, ...logits])).stdout);
    expect(Math.abs(found.fid / fid - 1)).toBeLessThan(1e-6);
    expect(Math.abs(found.inception_score / score - 1)).toBeLessThan(1e-6);
    expect(found).toMatchObject({ precision, recall });
    expect(found.kid_standard_error).toBeGreaterThan(0);
  });

  it('gives FID alone from statistics', async () => {
    const { fid } = await expected;
    const argv = ['eval', '--reference', fixturePath(`${name}/reference_stats.npz`), ...samples];
    const found = JSON.parse((await runCli([...argv, '--json'])).stdout);
    expect(Math.abs(found.fid / fid - 1)).toBeLessThan(1e-6);
    expect(found).not.toHaveProperty('precision');
    expect((await runCli(argv)).stdout).toContain('reference_stats.npz, N = unknown');
  });
});

it('says what it cannot read', async () => {
  const samples = ['--samples', fixturePath('eval-64d/sample_features.npy')];
  const { status, stderr } = await runCli(['eval', '--reference', fixturePath('eval-64d'), ...samples]);
  expect(status).toBe(1);
  expect(stderr).toContain('expected images in');
});

describe('dpar eval on files of other tools', () => {
  const float32 = (shape: readonly number[], data: Iterable<number>) => ({
    dtype: 'float32' as const,
    shape,
    data: Float32Array.from(data),
  });
  const features = (rows: number, columns: number, seed = 1) =>
    float32([rows, columns], createRandom(seed).fillNormal(new Float32Array(rows * columns)));

  /** Writes arrays as .npy, or several as .npz, and gives the path. */
  async function write(name: string, content: Uint8Array): Promise<string> {
    const path = join(await temporaryFolder(), name);
    await writeFile(path, content);
    return path;
  }
  const run = (reference: string, samples: string, ...more: string[]) =>
    runCli(['eval', '--json', '--quiet', '--reference', reference, '--samples', samples, ...more]);

  it.each<[string, Uint8Array, string]>([
    ['int64', whole('I64', [8, 4], 8), 'expected floating-point numbers in'],
    [
      'uint8',
      whole('U8', [8, 4], 1),
      'got U8[8, 4]. Pass features or logits of a network, not labels, tokens or bytes',
    ],
    ['bool', whole('BOOL', [8, 4], 1), 'got BOOL[8, 4].'],
    ['of one axis', formatNpy(float32([6], [1, 2, 3, 4, 5, 6])), 'got F32[6]. Write a row per image.'],
    ['of three axes', formatNpy(float32([2, 3, 1], [1, 2, 3, 4, 5, 6])), 'got F32[2, 3, 1]. Write a row per image.'],
    ['of images [N, 3, H, W]', whole('U8', [2, 3, 4, 4], 1), 'Write a row per image, or images as U8[N, H, W, 3].'],
    ['of no rows', formatNpy(float32([0, 3], [])), 'got F32[0, 3].'],
    ['of no columns', formatNpy(float32([3, 0], [])), 'got F32[3, 0].'],
    ['with NaN', formatNpy(float32([3, 2], [1, 2, 3, 4, Number.NaN, 6])), 'got NaN in row 2. Compute that row again.'],
    ['with infinity', formatNpy(float32([3, 2], [1, -Infinity, 3, 4, 5, 6])), 'got -Infinity in row 0.'],
    ['of objects', npyOf('|O'), "'descr': '|O'"],
    ['of complex numbers', npyOf('<c8'), "'descr': '<c8'"],
  ])('refuses features and logits %s, with the file', async (_, content, message) => {
    const fine = await write('fine.npy', formatNpy(features(8, 4)));
    const path = await write('odd.npy', content);
    for (const [reference, samples, ...more] of [
      [fine, path],
      [path, fine],
      [fine, fine, '--logits', path],
    ] as const) {
      const { status, stderr, stdout } = await run(reference, samples, ...more);
      expect([status, stdout, stderr.split('\n').length]).toEqual([1, '', 2]);
      expect(stderr).toContain(`'${path}'`);
      expect(stderr).toContain(message);
    }
  });

  it.each<[string, Uint8Array, string]>([
    [
      'rows of logits that are not those of the features',
      formatNpz({ pool: features(8, 4), logits: features(7, 3) }),
      "expected as many rows of 'logits' as of 'pool'",
    ],
    [
      'whole numbers as features',
      formatNpz({ pool: { dtype: 'int32', shape: [2, 1], data: Int32Array.of(1, 2) } }),
      'got I32[2, 1]',
    ],
    [
      'mu without sigma',
      formatNpz({ pool: features(8, 4), mu: float32([4], [1, 2, 3, 4]) }),
      'got no sigma. Write both.',
    ],
    [
      'sigma_s without mu_s',
      formatNpz({ pool: features(8, 4), sigma_s: float32([1, 1], [1]) }),
      'got no mu_s. Write both.',
    ],
    [
      'a sigma of another size',
      formatNpz({ mu: float32([2], [1, 2]), sigma: float32([2], [1, 2]) }),
      'expected a mean [D] and a covariance [D, D]',
    ],
    [
      'statistics of another network than the features',
      formatNpz({ pool: features(8, 4), mu: float32([1], [1]), sigma: float32([1, 1], [1]) }),
      "expected statistics of 4 numbers, as 'pool' has",
    ],
    [
      'a mean of NaN',
      formatNpz({ mu: float32([2], [1, Number.NaN]), sigma: float32([2, 2], [1, 0, 0, 1]) }),
      'got NaN at [1] of the mean.',
    ],
    [
      'a sigma that is not symmetric',
      formatNpz({ mu: float32([2], [1, 2]), sigma: float32([2, 2], [1, 2, 0, 1]) }),
      'expected a symmetric covariance, got 0 at [1, 0] and 2 at [0, 1].',
    ],
  ])('refuses %s, with the file', async (_, content, message) => {
    const path = await write('odd.npz', content);
    const { status, stderr } = await run(path, path);
    expect([status, stderr.split('\n').length]).toEqual([1, 2]);
    expect(stderr).toContain(`'${path}'`);
    expect(stderr).toContain(message);
  });

  it('refuses a sigma with an eigenvalue below 0', async () => {
    const odd = await write('odd.npz', formatNpz({ mu: float32([2], [1, 2]), sigma: float32([2, 2], [1, 2, 2, 1]) }));
    const { status, stderr } = await run(odd, odd);
    expect(status).toBe(1);
    expect(stderr).toContain('expected a positive semidefinite covariance, got one with the eigenvalue -1');
  });

  it('refuses logits of another number of images, before all work', async () => {
    const samples = await write('samples.npy', formatNpy(features(8, 4)));
    const logits = await write('logits.npy', formatNpy(features(9, 3)));
    const { status, stderr } = await run(samples, samples, '--logits', logits);
    expect(status).toBe(1);
    expect(stderr).toContain(`--logits: expected a row for each of 8 samples in '${samples}', got 9 in '${logits}'.`);
  });

  it('warns of an order and of a last split that distort the Inception Score', async () => {
    const [classes, each] = [10, 20];
    const sorted = Array.from({ length: classes * each * classes }, (_, i) =>
      i % classes === Math.floor(i / classes / each) ? 20 : 0,
    );
    const samples = await write('samples.npy', formatNpy(features(classes * each, 4)));
    const logits = await write('logits.npy', formatNpy(float32([classes * each, classes], sorted)));
    const found = await run(samples, samples, '--logits', logits, '--split-size', '60');
    const { inception_score, warnings } = JSON.parse(found.stdout);
    // Three splits of 3 classes, one of 1.
    expect(inception_score).toBeCloseTo(2.5, 3);
    expect(warnings).toEqual([
      expect.stringMatching(/^The last split of the Inception Score has 20 of 60 images/),
      expect.stringMatching(/^The Inception Score depends on the order of the images/),
    ]);
    const whole = await run(samples, samples, '--logits', logits, '--split-size', '200');
    expect(JSON.parse(whole.stdout)).toMatchObject({ warnings: [], inception_score: expect.closeTo(10, 3) });
    expect(
      (await runCli(['eval', '--reference', samples, '--samples', samples, '--logits', logits])).stdout,
    ).not.toContain('-0.0');
  });

  it('prints no number as NaN, as null in JSON with a warning', async () => {
    const constant = (value: number) =>
      formatNpy({
        dtype: 'F64',
        shape: [8, 2],
        bytes: new Uint8Array(new Float64Array(16).fill(value).buffer),
      });
    const [huge, zero] = [await write('huge.npy', constant(1e200)), await write('zero.npy', constant(0))];
    const { stdout, status } = await run(huge, zero);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ fid: null, kid: null });
    expect(JSON.parse(stdout).warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^FID is Infinity: /),
        expect.stringMatching(/^KID is (NaN|Infinity): /),
      ]),
    );
    const text = await runCli(['eval', '--reference', huge, '--samples', zero]);
    expect(text.stdout).toMatch(/^FID +Infinity /m);
    expect(text.stdout).toMatch(/^KID +(NaN|Infinity) /m);
    // The same set twice: 0 without a sign.
    expect((await runCli(['eval', '--reference', zero, '--samples', zero])).stdout).toMatch(/^FID +0\.0000 /m);
  });
});

/** An .npy file of zeros of an element type that is no floating-point number. */
function whole(dtype: StoredDType, shape: readonly number[], width: number): Uint8Array {
  return formatNpy({ dtype, shape, bytes: new Uint8Array(shape.reduce((a, b) => a * b, width)) });
}

/** An .npy file with 32 numbers of 8 bytes, whose header names another element type. */
function npyOf(descr: string): Uint8Array {
  const file = formatNpy({ dtype: 'F64', shape: [8, 4], bytes: new Uint8Array(256) });
  const text = new TextDecoder('latin1').decode(file).replace("'<f8'", `'${descr}'`.padEnd(5));
  return Uint8Array.from(`${text.slice(0, 127).padEnd(127)}\n${text.slice(-256)}`, (character) =>
    character.charCodeAt(0),
  );
}
