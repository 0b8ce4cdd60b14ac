import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { writeSafetensors } from '@dpar/io/node';
import { batchPatchLengths } from '@dpar/patchify';
import { named } from '@dpar/tensor';
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { readTensors } from '../tokens.js';

const model = ['--checkpoint', fixturePath('entropy-model')];
const input = fixturePath('entropy-model/io.safetensors');

it('computes the entropies of the reference vectors, and draws them', async () => {
  const folder = await temporaryFolder();
  const [output, png] = [join(folder, 'entropies.safetensors'), join(folder, 'maps')];
  const argv = ['entropy', ...model, '--input', input, '--output', output, '--png', png, '--batch-size', '1'];
  const { status, stdout, stderr } = await runCli(argv);
  expect(stderr).toMatch(/^entropy: 2\/2 images, .* images\/s\n$/);
  expect(status).toBe(0);
  const [expected, actual] = [await readTensors(input), await readTensors(output)];
  expect(actual.tokens).toEqual(expected.tokens);
  expect(actual.labels).toEqual(expected.labels);
  const entropies = named(expected, 'entropies').data;
  named(actual, 'entropies').data.forEach((value, i) => {
    expect(Math.abs(value - (entropies[i] ?? 0))).toBeLessThan(1e-4);
  });
  expect(stdout).toContain('entropies of 2 images');
  expect(await readdir(png)).toEqual(['000000.png', '000001.png']);
  const map = decode(await readFile(join(png, '000000.png')));
  expect([map.width, map.height]).toEqual([128, 128]);
  expect([...map.data.subarray(0, 3)]).toEqual([128, 128, 128]);
});

it('finds the threshold of a mean patch length', async () => {
  const argv = ['calibrate', ...model, '--input', input, '--target-mean-patch-length', '1.8', '--json', '--quiet'];
  const { stdout, stderr, status } = await runCli(argv);
  expect([status, stderr]).toEqual([0, '']);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({ images: 2, max_patch_length: 4, row_length: 8 });
  expect(Math.abs(found.mean_patch_length - 1.8)).toBeLessThan(0.05);
  // The patches of that threshold have that mean.
  const entropies = named(await readTensors(input), 'entropies').data as Float32Array;
  const options = { threshold: found.threshold, maxPatchLength: 4, rowLength: 8 };
  const patches = batchPatchLengths(entropies, 2, options).data.filter((length) => length > 0);
  expect(128 / patches.length).toBeCloseTo(found.mean_patch_length, 10);
  expect(patches.length / 2).toBeCloseTo(found.mean_patches, 10);
});

it('says which means can be reached', async () => {
  const { status, stderr } = await runCli(['calibrate', ...model, '--input', input, '--target-mean-patch-length', '9']);
  expect(status).toBe(1);
  expect(stderr).toContain('expected a mean patch length that these images can reach');
});

it('refuses tokens of another model', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'tokens.safetensors');
  const tokens = { dtype: 'int32' as const, shape: [1, 16], data: new Int32Array(16) };
  await writeSafetensors(path, { tokens });
  const { status, stderr } = await runCli(['entropy', ...model, '--input', path, '--output', join(folder, 'x')]);
  expect(status).toBe(1);
  expect(stderr).toContain('expected images of 64 tokens');
});
