import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { readNpz, writeSafetensors } from '@dpar/io/node';
import { float32, int32, named } from '@dpar/tensor';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { readTensors } from '../input-files.js';
import { runCli } from '../testing/run-cli.js';
import { dpar, failingSample, llamagen, rowsOf, sample, tokenizerFolder } from '../testing/sampling.js';

describe('dpar sample', () => {
  it.each(['generate-greedy-cfg2', 'generate-greedy-nocfg'])('generates the reference tokens: %s', async (name) => {
    const settings = JSON.parse(await readFile(fixturePath(`${name}/config.json`), 'utf8'));
    const expected = await readTensors(fixturePath(`${name}/io.safetensors`));
    const output = join(await temporaryFolder(), 'out.safetensors');
    const guidance = ['--guidance-scale', `${settings.cfg_scale}`, '--greedy'];
    const patching = ['--threshold', `${settings.threshold}`, '--max-patch-length', `${settings.max_patch_length}`];
    const classes = [...named(expected, 'labels').data].join(',');
    await sample(...dpar, '--classes', classes, ...guidance, ...patching, '--output', output);
    expect(await readTensors(output)).toEqual({ ...expected });
  });

  it('makes the same images in any batch size and number of parts', async () => {
    const folder = await temporaryFolder();
    const run = async (name: string, ...argv: string[]) => {
      const output = join(folder, `${name}.safetensors`);
      await sample(...llamagen, '--classes', '0-2', '--count', '5', '--seed', '7', ...argv, '--output', output);
      return readTensors(output);
    };
    const all = await run('all');
    expect([...named(all, 'labels').data]).toEqual([0, 1, 2, 0, 1]);
    expect(named(all, 'tokens').shape).toEqual([5, 64]);
    expect(new Set(named(all, 'patch_lengths').data)).toEqual(new Set([1]));
    expect(await run('two', '--batch-size', '2')).toEqual(all);
    const parts = [await run('a', '--shard', '0/2'), await run('b', '--shard', '1/2')];
    expect(parts.flatMap((part) => rowsOf(named(part, 'tokens')))).toEqual(rowsOf(named(all, 'tokens')));
    expect(parts.flatMap((part) => [...named(part, 'labels').data])).toEqual([0, 1, 2, 0, 1]);
    expect(rowsOf(named(await run('other', '--seed', '8'), 'tokens'))).not.toEqual(rowsOf(named(all, 'tokens')));
  });

  it('makes the same pictures in any batch size and number of parts', async () => {
    const folder = await temporaryFolder();
    const argv = [...dpar, '--tokenizer', await tokenizerFolder(), '--classes', '0-2', '--count', '5', '--seed', '7'];
    const run = async (name: string, ...more: string[]): Promise<string> => {
      await sample(...argv, ...more, '--output', join(folder, name));
      return join(folder, name);
    };
    const pixels = async (path: string) => [...(Object.fromEntries(await readNpz(path)).arr_0?.bytes ?? [])];
    const all = await pixels(await run('all.npz'));
    expect(all).toHaveLength(5 * 16 * 16 * 3);
    expect(await pixels(await run('two.npz', '--batch-size', '2'))).toEqual(all);
    const parts = [await run('a.npz', '--shard', '0/2'), await run('b.npz', '--shard', '1/2')];
    expect((await Promise.all(parts.map(pixels))).flat()).toEqual(all);
    const images = await run('images', '--batch-size', '3', '--shard', '1/2');
    expect((await readdir(images)).sort()).toEqual(['000002.png', '000003.png', '000004.png', 'sample.json']);
    await run('images', '--shard', '0/2');
    const files = ['000000.png', '000001.png', '000002.png', '000003.png', '000004.png'];
    const shown = await Promise.all(files.map(async (name) => [...decode(await readFile(join(images, name))).data]));
    expect(shown.flat()).toEqual(all);
  });

  it('writes a grid, an ADM sample batch and a folder that show the same images', async () => {
    const folder = await temporaryFolder();
    const argv = [...dpar, '--tokenizer', await tokenizerFolder(), '--classes', '1,4', '--count', '3'];
    const [npz, png, images] = ['out.npz', 'out.png', 'images'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const output of [npz, png, images]) await sample(...argv, '--output', output);
    const { arr_0: batch, arr_1: labels } = Object.fromEntries(await readNpz(npz));
    expect(batch).toMatchObject({ dtype: 'U8', shape: [3, 16, 16, 3] });
    expect(labels).toMatchObject({ dtype: 'I64', shape: [3] });
    const pixels = batch?.bytes ?? new Uint8Array();
    expect(new Set(pixels).size).toBeGreaterThan(20);

    const grid = decode(await readFile(png));
    expect([grid.width, grid.height, grid.channels]).toEqual([38, 38, 3]);
    const at = (x: number, y: number): number[] => [...grid.data.subarray(3 * (y * 38 + x), 3 * (y * 38 + x) + 3)];
    expect(at(0, 0)).toEqual([255, 255, 255]); // gap
    expect(at(2, 2)).toEqual([...pixels.subarray(0, 3)]);
    expect(at(20 + 5, 2 + 7)).toEqual([...pixels.subarray(3 * (256 + 7 * 16 + 5)).subarray(0, 3)]); // second image
    expect(at(20 + 5, 20 + 7)).toEqual([255, 255, 255]); // no fourth image

    expect((await readdir(images)).sort()).toEqual(['000000.png', '000001.png', '000002.png', 'sample.json']);
    const second = decode(await readFile(join(images, '000001.png')));
    expect([...second.data]).toEqual([...pixels.subarray(768, 1536)]);
  });

  it('guides as scheduled, and where it is asked to', async () => {
    const folder = await temporaryFolder();
    const run = async (name: string, ...more: string[]) => {
      const output = join(folder, `${name}.safetensors`);
      await sample(...llamagen, '--classes', '0-3', ...more, '--output', output);
      return rowsOf(named(await readTensors(output), 'tokens'));
    };
    const guided = await run('guided', '--guidance-scale', '4');
    const unguided = await run('unguided', '--guidance-scale', '1');
    expect(await run('cosine', '--guidance-scale', '4', '--guidance-schedule', 'cosine')).not.toEqual(guided);
    expect(await run('older-name', '--cfg-scale', '4')).toEqual(guided);
    expect(await run('all', '--guidance-scale', '4', '--guidance-interval', '0:64')).toEqual(guided);
    expect(await run('none', '--guidance-scale', '4', '--guidance-interval', '8:8')).toEqual(unguided);
    const late = await run('late', '--guidance-scale', '4', '--guidance-interval', '32:64');
    expect(late.map((row) => row.slice(0, 32))).toEqual(unguided.map((row) => row.slice(0, 32)));
    expect(late).not.toEqual(unguided);
  });

  it('completes given tokens, image by image of the whole run', async () => {
    const folder = await temporaryFolder();
    const argv = [...dpar, '--classes', '0-1', '--count', '6'];
    const run = async (name: string, ...more: string[]) => {
      const output = join(folder, `${name}.safetensors`);
      const { images, tokens_per_second: tokenRate, seconds } = await sample(...argv, ...more, '--output', output);
      expect(images * (more.includes('--prefix') ? 44 : 64)).toBeCloseTo(tokenRate * seconds);
      return rowsOf(named(await readTensors(output), 'tokens'));
    };
    const free = await run('free');
    const prefix = ['--prefix', join(folder, 'free.safetensors'), '--prefix-length', '20'];
    // An image that is given its own first tokens goes on as it did.
    expect(await run('own', ...prefix)).toEqual(free);
    const given = (free.slice(2, 4) as [number[], number[]]).map((row) => row.slice(0, 20)) as [number[], number[]];
    const short = join(folder, 'short.safetensors');
    await writeSafetensors(short, { tokens: int32([2, 20], given.flat()) });
    const completed = await run('completed', '--prefix', short, '--batch-size', '4');
    expect(completed.map((row) => row.slice(0, 20))).toEqual([...given, ...given, ...given]);
    expect(completed[2]).toEqual(free[2]);
    expect(completed[0]).not.toEqual(free[2]);
    const shards = [
      await run('a', '--prefix', short, '--shard', '0/2'),
      await run('b', '--prefix', short, '--shard', '1/2'),
    ];
    expect(shards.flat()).toEqual(completed);
  });

  it('takes weights of other formats', async () => {
    const folder = await temporaryFolder();
    const weights = [...dpar, '--classes', '1', '--weights', 'int8', '--entropy-weights', 'float32'];
    expect(await sample(...weights, '--output', join(folder, 'a.safetensors'))).toMatchObject({ generated: 1 });
    const int4 = [...llamagen, '--classes', '1', '--weights', 'int4'];
    expect(await sample(...int4, '--output', join(folder, 'b.safetensors'))).toMatchObject({ generated: 1 });
  });

  it('reports progress and a summary', async () => {
    const output = join(await temporaryFolder(), 'out.safetensors');
    const { stdout, stderr } = await runCli(['sample', ...llamagen, '--classes', '0-2', '--output', output]);
    expect(stderr).toMatch(
      /^sample: 3 images, llamagen model, onnxruntime-node.*\nsample: 3\/3 images, [\d.]+ images\/s\n$/,
    );
    expect(stdout).toMatch(/^3 images in .*, 3 made in [\d.]+ s: [\d.]+ images\/s, \d+ tokens\/s\n$/);
  });

  it('prints its figures as one JSON document', async () => {
    const output = join(await temporaryFolder(), 'out.npz');
    const argv = [...dpar, '--tokenizer', await tokenizerFolder(), '--classes', '0-2', '--output', output];
    const { stdout } = await runCli(['sample', ...argv, '--json']);
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({ kind: 'dpar', images: 3, generated: 3, output });
    expect(figures.images_per_second * figures.seconds).toBeCloseTo(3);
    expect(figures.tokens_per_second * figures.seconds).toBeCloseTo(3 * 64);
    expect(figures.stages.tokenizer).toBeGreaterThan(0);
    expect(figures.stages.tokenizer).toBeLessThan(figures.seconds);

    const tokens = join(await temporaryFolder(), 'out.safetensors');
    const { mean_patch_length: mean } = await sample(...dpar, '--classes', '0-2', '--output', tokens);
    const lengths = [...named(await readTensors(tokens), 'patch_lengths').data].filter((length) => length > 0);
    expect(mean).toBeCloseTo((3 * 64) / lengths.length);
    expect(figures.mean_patch_length).toBe(mean);
  });

  it('says which images have the null class', async () => {
    const output = join(await temporaryFolder(), 'out.safetensors');
    const { stderr } = await runCli(['sample', ...llamagen, '--classes', '4,5', '--output', output]);
    expect(stderr).toContain('class 5 is the null class, for images without a class (classes are 0 to 4)');
    const others = await runCli(['sample', ...llamagen, '--classes', '4', '--output', `${output}.safetensors`]);
    expect(others.stderr).not.toContain('null class');
  });

  const wrong: [string[], number, string][] = [
    [
      [...llamagen, '--classes', '1-5', '--output', 'x.safetensors'],
      2,
      'got 1 to 5, where 5 is the null class. Subtract 1',
    ],
    [[...llamagen, '--classes', '6', '--output', 'x.safetensors'], 2, '--classes: expected classes from 0 to 4, or 5'],
    [[...llamagen, '--classes', '0-999999999', '--output', 'x.safetensors'], 2, '--classes: expected whole numbers'],
    [[...llamagen, '--classes', '1,,2', '--output', 'x.safetensors'], 2, '--classes: expected whole numbers'],
    [[...llamagen, '--classes', '1', '--output', 'x.png'], 2, 'expected --tokenizer DIR to write images'],
    [[...llamagen, '--classes', '1', '--output', 'x.jpg'], 2, 'expected a path that ends in .png'],
    [[...llamagen, '--classes', '1', '--shard', '2/2', '--output', 'x.png'], 2, '--shard: expected a shard'],
    [[...llamagen, '--classes', '1', '--shard', '0/2', '--output', 'x.safetensors'], 2, 'expected at most 1 parts'],
    [[...llamagen, '--classes', '1', '--temperature', '0', '--output', 'x.png'], 2, 'expected a number above 0'],
    [
      [...llamagen, '--classes', '1', '--weights', 'int2', '--output', 'x.png'],
      2,
      '--weights: expected one of float32',
    ],
    [
      [...llamagen, '--classes', '1', '--guidance-schedule', 'step', '--output', 'x.png'],
      2,
      'expected one of constant',
    ],
    [[...llamagen, '--classes', '1', '--guidance-interval', '9:3', '--output', 'x.png'], 2, 'expected FIRST:END with'],
    [[...llamagen, '--classes', '1', '--guidance-interval', '9', '--output', 'x.png'], 2, 'expected FIRST:END with'],
    [
      [...llamagen, '--classes', '1', '--guidance-interval', '0:65', '--output', 'x.safetensors'],
      2,
      '--guidance-interval: expected tokens from 0 to 64, got 0:65',
    ],
    [
      [...llamagen, '--classes', '1', '--entropy-weights', 'int8', '--output', 'x.safetensors'],
      2,
      'expected --entropy-weights with a DPAR model',
    ],
    [
      [...llamagen, '--classes', '1', '--prefix-length', '4', '--output', 'x.safetensors'],
      2,
      'expected --prefix FILE with --prefix-length',
    ],
    [[...llamagen, '--classes', '1', '--top-p', '1.5', '--output', 'x.png'], 2, 'up to 1'],
    [
      [...llamagen, '--classes', '1', '--threshold', '2', '--output', 'x.safetensors'],
      2,
      'with a DPAR model, got a LlamaGen',
    ],
    [[...dpar.slice(0, 2), '--classes', '1', '--output', 'x.safetensors'], 2, 'expected --entropy-checkpoint DIR'],
    [
      [...llamagen, '--classes', '1', '--tokenizer', fixturePath('vq'), '--output', 'x.png'],
      1,
      'expected a tokenizer of 48 codes and a model of a square of tokens, got 64 codes',
    ],
    [
      ['--checkpoint', fixturePath('entropy-model'), '--classes', '1', '--output', 'x.safetensors'],
      1,
      'of kind "dpar" or "llamagen"',
    ],
  ];
  it.each(wrong)('refuses %j', async (argv, expected, message) => {
    const { status, stderr } = await runCli(['sample', ...argv]);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(expected);
  });

  it('refuses given tokens that are no beginning of an image', async () => {
    const folder = await temporaryFolder();
    const output = join(folder, 'out.safetensors');
    const prefix = join(folder, 'prefix.safetensors');
    const refusal = async (tensors: Parameters<typeof writeSafetensors>[1], ...more: string[]) => {
      await writeSafetensors(prefix, tensors);
      const argv = [...llamagen, '--classes', '1', '--prefix', prefix, ...more, '--output', output];
      const { status, stderr } = await failingSample(argv);
      return `${status} ${stderr}`;
    };
    const whole = int32([1, 64]);
    expect(await refusal({ tokens: whole })).toMatch(/^2 .*expected 1 to 63 given tokens.*got 64/);
    expect(await refusal({ tokens: whole }, '--prefix-length', '65')).toMatch(/^2 .*at most the 64 tokens of a row/);
    expect(await refusal({ tokens: whole }, '--prefix-length', '0')).toMatch(/^2 .*expected a whole number from 1 up/);
    expect(await refusal({ tokens: int32([1, 2], [1, 48]) })).toMatch(/^1 .*expected 'tokens' from 0 to 47.*got 48/);
    expect(await refusal({ tokens: float32([1, 2]) })).toMatch(/^1 .*of type int32\[N, K\] in .*got float32\[1, 2\]/);
    expect(await refusal({ tokens: int32([4]) })).toMatch(/^1 .*got int32\[4\]/);
    expect(await refusal({ codes: whole })).toMatch(/^1 .*expected 'tokens' of .*got none/);
    expect(await readdir(folder)).toEqual(['prefix.safetensors']);
  });
});
