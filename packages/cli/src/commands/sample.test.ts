import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { readNpz, writeCheckpoint } from '@dpar/io/node';
import { createRandom, float32, type HostTensor, named } from '@dpar/tensor';
import { patchVqSpecs, writePatchVqConfig } from '@dpar/tokenizer';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { readTensors } from '../tokens.js';

const dpar = ['--checkpoint', fixturePath('dpar-dynamic4d'), '--entropy-checkpoint', fixturePath('entropy-model')];
const llamagen = ['--checkpoint', fixturePath('llamagen')];

async function sample(...argv: string[]): Promise<void> {
  const result = await runCli(['sample', '--quiet', '--threads', '1', ...argv]);
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
}

/** A tokenizer of random weights that fits the fixtures: 8x8 tokens of 48 codes, images of 16x16 pixels. */
async function tokenizer(): Promise<string> {
  const folder = join(await temporaryFolder(), 'tokenizer');
  const config = { imageSize: 16, patchSize: 2, codebookSize: 48, embeddingDim: 8, hiddenDim: 16 };
  const random = createRandom(1);
  const weights = Object.entries(patchVqSpecs(config)).map(([name, { shape }]): [string, HostTensor] => {
    const tensor = float32(shape);
    random.fillNormal(tensor.data, { std: 0.3 });
    return [name, tensor];
  });
  await writeCheckpoint(folder, writePatchVqConfig(config), Object.fromEntries(weights));
  return folder;
}

const rowsOf = ({ shape: [rows = 0], data }: HostTensor): number[][] =>
  Array.from({ length: rows }, (_, i) => [...data.subarray((i * data.length) / rows, ((i + 1) * data.length) / rows)]);

describe('dpar sample', () => {
  it.each(['generate-greedy-cfg2', 'generate-greedy-nocfg'])('generates the reference tokens: %s', async (name) => {
    const settings = JSON.parse(await readFile(fixturePath(`${name}/config.json`), 'utf8'));
    const expected = await readTensors(fixturePath(`${name}/io.safetensors`));
    const output = join(await temporaryFolder(), 'out.safetensors');
    const guidance = ['--cfg-scale', `${settings.cfg_scale}`, '--greedy'];
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

  it('writes a grid, an ADM sample batch and a folder that show the same images', async () => {
    const folder = await temporaryFolder();
    const argv = [...dpar, '--tokenizer', await tokenizer(), '--classes', '1,4', '--count', '3'];
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

  it('goes on with a folder, and refuses one of other settings', async () => {
    const folder = join(await temporaryFolder(), 'images');
    const argv = ['sample', ...llamagen, '--tokenizer', await tokenizer(), '--classes', '1,4', '--batch-size', '1'];
    const run = async (...more: string[]) => runCli([...argv, '--output', folder, '--json', ...more]);
    const madeBy = async (...more: string[]) => JSON.parse((await run(...more)).stdout).generated;
    expect(await madeBy('--shard', '1/2')).toBe(1);
    expect(await readdir(folder)).toContain('000001.png');
    const old = new Date(2001, 1, 1);
    await utimes(join(folder, '000001.png'), old, old);
    expect(await madeBy()).toBe(1);
    expect((await stat(join(folder, '000001.png'))).mtime).toEqual(old);
    const { status, stderr } = await run('--seed', '1');
    expect(status).toBe(1);
    expect(stderr).toContain("expected 'seed' 0 as in");
  });

  it('stops between tokens when it is interrupted, and writes nothing', async () => {
    const folder = await temporaryFolder();
    const argv = ['sample', ...llamagen, '--classes', '0-4', '--output', join(folder, 'out.safetensors')];
    const interruption = new AbortController();
    const running = runCli(argv, interruption.signal);
    interruption.abort();
    expect(await running).toMatchObject({ status: 130, stdout: '', stderr: expect.stringContaining('interrupted') });
    expect(await readdir(folder)).toEqual([]);
  });

  it('reports progress and a summary', async () => {
    const output = join(await temporaryFolder(), 'out.safetensors');
    const { stdout, stderr } = await runCli(['sample', ...llamagen, '--classes', '0', '--output', output]);
    expect(stderr).toMatch(
      /^sample: 1 image, llamagen model, onnxruntime-node.*\nsample: 64\/64 tokens, [\d.]+ tokens\/s\n$/,
    );
    expect(stdout).toMatch(/^1 image in .*, 1 made in [\d.]+ s\n$/);
  });

  const wrong: [string[], number, string][] = [
    [[...llamagen, '--classes', '6', '--output', 'x.safetensors'], 2, '--classes: expected classes from 0 to 4, or 5'],
    [[...llamagen, '--classes', '0-999999999', '--output', 'x.safetensors'], 2, '--classes: expected whole numbers'],
    [[...llamagen, '--classes', '1,,2', '--output', 'x.safetensors'], 2, '--classes: expected whole numbers'],
    [[...llamagen, '--classes', '1', '--output', 'x.png'], 2, 'expected --tokenizer DIR to write images'],
    [[...llamagen, '--classes', '1', '--output', 'x.jpg'], 2, 'expected a path that ends in .png'],
    [[...llamagen, '--classes', '1', '--shard', '2/2', '--output', 'x.png'], 2, '--shard: expected a part'],
    [[...llamagen, '--classes', '1', '--shard', '0/2', '--output', 'x.safetensors'], 2, 'expected at most 1 parts'],
    [[...llamagen, '--classes', '1', '--temperature', '0', '--output', 'x.png'], 2, 'expected a number above 0'],
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
      'tokenizers (vq) are not in',
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
    expect(status).toBe(expected);
  });
});
