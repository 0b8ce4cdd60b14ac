import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { writeSafetensors } from '@dpar/io/node';
import { batchPatchLengths } from '@dpar/patchify';
import { named } from '@dpar/tensor';
import { readClassNames } from '@dpar/train/node';
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { readTensors } from '../input-files.js';
import { runCli } from '../testing/run-cli.js';
import { tinyDpar } from '../testing/tiny-dpar.js';

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

it('keeps the names of classes', async () => {
  const folder = await temporaryFolder();
  await copyFile(input, join(folder, 'tokens.safetensors'));
  await writeFile(join(folder, 'classes.json'), '["cat", "dog"]');
  const output = join(folder, 'other/out.safetensors');
  const argv = ['entropy', ...model, '--input', join(folder, 'tokens.safetensors'), '--output', output, '--quiet'];
  expect((await runCli(argv)).status).toBe(0);
  expect(await readClassNames(output)).toEqual({ path: output, names: ['cat', 'dog'] });
});

it('refuses places that are of another kind, before it computes', async () => {
  const folder = await temporaryFolder();
  const [file, tokens] = [join(folder, 'file'), join(folder, 'tokens')];
  await writeFile(file, '');
  await mkdir(tokens);
  await copyFile(input, join(tokens, 'a.safetensors'));
  const refusal = async (from: string, ...more: string[]) => {
    const { status, stdout, stderr } = await runCli(['entropy', ...model, '--input', from, ...more]);
    expect(stdout).toBe('');
    expect(await readdir(folder)).toEqual(['file', 'tokens']);
    return `${status} ${stderr}`;
  };
  const output = ['--output', join(folder, 'out.safetensors')];
  expect(await refusal(input, ...output, '--png', file)).toMatch(
    /^1 .*--png: expected a folder or nothing at .*, got a file/,
  );
  const png = join(folder, 'maps.png');
  expect(await refusal(input, ...output, '--png', png)).toMatch(/^2 .*--png: expected a folder, .* got '.*maps\.png'/);
  expect(await refusal(tokens, '--output', tokens, '--png', join(folder, 'maps'))).toContain(
    `--png: expected a file of tokens as --input and no shard, got the folder '${tokens}'.`,
  );
  expect(await refusal(input, '--output', tokens)).toMatch(
    /^1 .*--output: expected a file or nothing at .*, got a folder/,
  );
  expect(await refusal(input, '--output', png)).toMatch(/^2 .*--output: expected a FILE\.safetensors/);
  expect(await refusal(tokens, '--output', file)).toMatch(
    /^1 .*--output: expected a folder or nothing at .*, got a file/,
  );
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
  // A folder of two such shards has the same entropies, twice.
  const shards = await temporaryFolder();
  for (const i of [0, 1]) await copyFile(input, join(shards, `${i}.safetensors`));
  const { stdout: ofFolder } = await runCli(argv.map((word) => (word === input ? shards : word)));
  expect(JSON.parse(ofFolder)).toEqual({ ...found, images: 4 });
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

it('computes the entropies of a folder of shards in shares, which training finds', async () => {
  const folder = await temporaryFolder();
  const io = await readTensors(input);
  const shard = { tokens: named(io, 'tokens'), labels: named(io, 'labels') };
  for (const name of ['a', 'b']) await writeSafetensors(join(folder, `${name}.safetensors`), shard);
  const run = (...more: string[]) =>
    runCli([
      'entropy',
      ...model,
      '--input',
      folder,
      '--output',
      folder,
      '--threads',
      '1',
      '--json',
      '--quiet',
      ...more,
    ]);
  const first = await run('--shard', '1/2');
  expect([first.status, first.stderr]).toEqual([0, '']);
  expect(JSON.parse(first.stdout)).toMatchObject({ images: 2, variants: 1, written: 1, skipped: 0, output: folder });
  expect((await readdir(folder)).sort()).toEqual(['a.safetensors', 'b.entropies.safetensors', 'b.safetensors']);
  expect(JSON.parse((await run()).stdout)).toMatchObject({ images: 4, written: 1, skipped: 1 });
  const [expected, actual] = [await readTensors(input), await readTensors(join(folder, 'a.entropies.safetensors'))];
  expect(named(actual, 'entropies').shape).toEqual([2, 1, 63]);
  named(actual, 'entropies').data.forEach((value, i) => {
    expect(Math.abs(value - (named(expected, 'entropies').data[i] ?? 0))).toBeLessThan(1e-4);
  });
  expect(await run('--png', folder)).toMatchObject({ status: 2 });
  expect((await run('--checkpoint', fixturePath('dpar-dynamic4d'))).stderr).toContain(
    'expected a model with a boundary head',
  );

  const config = join(folder, 'train.json');
  const settings = {
    model: tinyDpar,
    data: { tokens: folder, entropy_checkpoint: fixturePath('entropy-model') },
    steps: 2,
    batch_size: 2,
  };
  await writeFile(config, JSON.stringify(settings));
  const trained = await runCli([
    'train',
    '--config',
    config,
    '--output',
    join(folder, 'run'),
    '--threads',
    '1',
    '--json',
  ]);
  expect(trained.stderr).toMatch(/patches: 4\/4 images.*\n.*train: 2\/2 steps/s);
  expect(trained.stderr).not.toContain('entropies:');
  const { steps, wait_share } = JSON.parse(trained.stdout);
  expect(steps).toBe(2);
  expect(wait_share).toBeGreaterThan(0);
  expect(wait_share).toBeLessThan(1);
});
