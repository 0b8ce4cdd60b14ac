import { existsSync } from 'node:fs';
import { copyFile, cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors, writeCheckpoint, writeSafetensors } from '@dpar/io/node';
import { type HostTensor, named, sameShape, type Tensors } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

const load = async (path: string): Promise<Tensors<HostTensor>> => toHostTensors((await readSafetensors(path)).tensors);

/** Largest difference as a share of the largest expected magnitude, over all elements or those that `counts` picks. */
function relativeError(actual: HostTensor, expected: HostTensor, counts?: readonly number[]): number {
  expect(sameShape(actual.shape, expected.shape), `${actual.shape} like ${expected.shape}`).toBe(true);
  const [B = 0, rows = 0] = expected.shape;
  const width = expected.data.length / (B * rows);
  let difference = 0;
  let largest = 0;
  expected.data.forEach((value, i) => {
    const row = Math.floor(i / width);
    if (counts && row % rows >= (counts[Math.floor(row / rows)] ?? 0)) return;
    const d = Math.abs((actual.data[i] ?? Number.NaN) - value);
    if (!(d <= difference)) difference = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
    largest = Math.max(largest, Math.abs(value));
  });
  return difference / largest;
}

async function forward(fixture: string, ...more: string[]): Promise<Tensors<HostTensor>> {
  const output = join(await temporaryFolder(), 'out.safetensors');
  const input = more.includes('--input') ? [] : ['--input', fixturePath(`${fixture}/io.safetensors`)];
  const argv = [
    'forward',
    '--checkpoint',
    fixturePath(fixture),
    ...input,
    '--output',
    output,
    '--threads',
    '1',
    ...more,
  ];
  const { status, stderr } = await runCli(argv);
  expect(stderr).not.toContain('expected');
  expect(status).toBe(0);
  return load(output);
}

describe('dpar forward agrees with the reference vectors', () => {
  const dparModels = ['dpar-dynamic4d', 'dpar-dynamic3d', 'dpar-rope1d', 'dpar-e2d1-static2'];
  it.each([...dparModels, 'llamagen', 'entropy-model'])('%s', async (fixture) => {
    const expected = await load(fixturePath(`${fixture}/io.safetensors`));
    const outputs = await forward(fixture, '--gradients');
    expect(relativeError(named(outputs, 'logits'), named(expected, 'logits'))).toBeLessThan(2e-4);
    expect(named(outputs, 'loss').shape).toEqual([1]);
    expect(Math.abs(Number(outputs.loss?.data[0]) - Number(expected.loss?.data[0]))).toBeLessThan(1e-5);
    if (fixture === 'entropy-model') {
      expect(relativeError(named(outputs, 'entropies'), named(expected, 'entropies'))).toBeLessThan(2e-4);
    }
    const gradients = await load(fixturePath(`${fixture}/grads.safetensors`));
    const names = Object.keys(gradients).filter((name) => name.startsWith('grad.'));
    expect(names.length).toBeGreaterThan(10);
    for (const name of names)
      expect(relativeError(named(outputs, name), named(gradients, name)), name).toBeLessThan(1e-3);
  });

  it('vq', async () => {
    const expected = await load(fixturePath('vq/io.safetensors'));
    const outputs = await forward('vq');
    expect(Object.keys(outputs).sort()).toEqual(['codes', 'decoded', 'latent']);
    expect(outputs.codes).toEqual(expected.codes);
    expect(relativeError(named(outputs, 'latent'), named(expected, 'latent'))).toBeLessThan(1e-5);
    expect(relativeError(named(outputs, 'decoded'), named(expected, 'decoded'))).toBeLessThan(1e-5);
  });

  it.each(dparModels)('intermediate states of %s', async (fixture) => {
    const expected = await load(fixturePath(`${fixture}/io.safetensors`));
    const outputs = await forward(fixture);
    const lengths = named(expected, 'patch_lengths');
    expect(outputs.patch_lengths).toEqual(lengths);
    expect(Object.keys(outputs).some((name) => name.startsWith('grad.'))).toBe(false);
    const [B = 0, M = 0] = lengths.shape;
    const patches = Array.from({ length: B }, (_, b) => {
      const row = lengths.data.subarray(b * M, (b + 1) * M) as Int32Array;
      return row.filter((length) => length > 0).length;
    });
    const finished = patches.map((count) => count - 1);
    const all = patches.map((count) => count + 1);
    const compared = { 'local_encoder.tokens': undefined, local_decoder: undefined, 'local_encoder.patches': finished };
    for (const [name, counts] of Object.entries({ ...compared, global: patches, rope: all })) {
      if (name === 'rope' && fixture === 'dpar-rope1d') continue; // not recorded
      expect(relativeError(named(outputs, name), named(expected, name), counts), name).toBeLessThan(2e-4);
    }
  });

  it('makes patches of entropies where no lengths are given', async () => {
    const { tokens, labels, entropies, logits } = await load(fixturePath('dpar-dynamic4d/io.safetensors'));
    const input = join(await temporaryFolder(), 'in.safetensors');
    await writeSafetensors(input, { tokens, labels, entropies } as Record<string, HostTensor>);
    const outputs = await forward('dpar-dynamic4d', '--input', input);
    expect(relativeError(named(outputs, 'logits'), logits as HostTensor)).toBeLessThan(2e-4);
  });
});

it('dpar forward says which labels are the null class', async () => {
  const folder = await temporaryFolder();
  const [input, output] = [fixturePath('llamagen/io.safetensors'), join(folder, 'out.safetensors')];
  const { status, stderr } = await runCli([
    'forward',
    '--checkpoint',
    fixturePath('llamagen'),
    '--input',
    input,
    '--output',
    output,
  ]);
  expect(status).toBe(0);
  expect(stderr).toContain('1 image with label 5, the null class');
});

describe('dpar forward refuses', () => {
  const run = async (tensors: Record<string, unknown>, checkpoint = fixturePath('dpar-dynamic4d')) => {
    const folder = await temporaryFolder();
    const [input, output] = [join(folder, 'in.safetensors'), join(folder, 'out.safetensors')];
    await writeSafetensors(input, tensors as Record<string, HostTensor>);
    const result = await runCli(['forward', '--checkpoint', checkpoint, '--input', input, '--output', output]);
    expect(existsSync(output)).toBe(false);
    return result;
  };

  it('inputs that are missing or do not fit, in one line', async () => {
    const { tokens, labels, patch_lengths } = await load(fixturePath('dpar-dynamic4d/io.safetensors'));
    const outside = { ...tokens, data: new Int32Array(3 * 64).fill(48) };
    const shorter = {
      ...patch_lengths,
      data: Int32Array.from(patch_lengths?.data ?? [], (length, i) => (i === 0 ? 0 : length)),
    };
    const cases: [Record<string, unknown>, string][] = [
      [{ tokens }, "expected 'labels'"],
      [{ labels }, "expected 'tokens'"],
      [{ tokens, labels }, 'expected entropies'],
      [{ tokens: outside, labels, patch_lengths }, 'from 0 to 47, got 48'],
      [{ tokens, labels, patch_lengths: shorter }, 'to sum to 64 tokens, got 63'],
    ];
    const all = await load(fixturePath('dpar-dynamic4d/io.safetensors'));
    // Each of 1 to 5 where classes are 0 to 4: a data set that counts from 1.
    const five = (tensor: HostTensor | undefined) => {
      const rows = (tensor?.data ?? []).slice(0, (2 * (tensor?.data.length ?? 0)) / 3);
      return {
        ...tensor,
        shape: [5, ...(tensor?.shape.slice(1) ?? [])],
        data: Int32Array.from([...(tensor?.data ?? []), ...rows]),
      };
    };
    const fromOne = { dtype: 'int32', shape: [5], data: Int32Array.of(3, 1, 2, 5, 4) };
    cases.push([
      { tokens: five(all.tokens), labels: fromOne, patch_lengths: five(all.patch_lengths) },
      'got 5, the null class of images without a class, in image 3. These labels go from 1 to 5 as if classes were counted',
    ]);
    for (const [tensors, message] of cases) {
      const { status, stdout, stderr } = await run(tensors);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  it('tokens of other classes than those of the model', async () => {
    const folder = await temporaryFolder();
    const { config, parameters } = await readCheckpoint(fixturePath('llamagen'));
    await writeCheckpoint(join(folder, 'model'), config, parameters);
    await writeFile(join(folder, 'model/classes.json'), '["a", "b", "c", "d", "e"]');
    await writeFile(join(folder, 'classes.json'), '["a", "c", "d", "e"]');
    const input = join(folder, 'in.safetensors');
    await copyFile(fixturePath('llamagen/io.safetensors'), input);
    const argv = ['forward', '--checkpoint', join(folder, 'model'), '--input', input, '--output', join(folder, 'x')];
    const { status, stderr } = await runCli([...argv, '--quiet']);
    expect([status, stderr]).toEqual([1, expect.stringContaining("expected class 1 to be 'b' as in")]);
    await writeFile(join(folder, 'classes.json'), '["a", "b", "c", "d", "e"]');
    expect((await runCli(argv)).status).toBe(0);
  });

  it('weights that give no finite loss', async () => {
    const { config, parameters } = await readCheckpoint(fixturePath('llamagen'));
    const folder = join(await temporaryFolder(), 'broken');
    const norm = named(parameters, 'norm.weight');
    const broken = { ...norm, data: new Float32Array(norm.data.length).fill(Number.NaN) } as HostTensor;
    await writeCheckpoint(folder, config, { ...parameters, 'norm.weight': broken });
    const { tokens, labels } = await load(fixturePath('llamagen/io.safetensors'));
    const { status, stderr } = await run({ tokens, labels }, folder);
    expect(status).toBe(1);
    expect(stderr).toContain('expected a finite loss, got NaN');
  });

  it('an output that would not be what its name says', async () => {
    const fixture = fixturePath('llamagen');
    const argv = ['forward', '--checkpoint', fixture, '--input', join(fixture, 'io.safetensors'), '--output', 'x.npz'];
    const { status, stderr } = await runCli(argv);
    expect(status).toBe(2);
    expect(stderr).toContain("FILE.safetensors, got 'x.npz'");
  });

  it('another kind of checkpoint, and a folder without one', async () => {
    const { stderr } = await run({}, fixturePath('vq'));
    expect(stderr).toContain("expected 'image' of type float32[B, 3, H, W]");
    const folder = await temporaryFolder();
    await cp(fixturePath('vq'), folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), '{ "kind": "patch-vq" }');
    const other = await run({}, folder);
    expect(other.stderr).toContain('expected a model of kind "dpar", "llamagen" or "entropy"');
    expect(other.stderr).toContain('got "patch-vq"');
    await rm(join(folder, 'config.json'));
    await rm(join(folder, 'model.safetensors'));
    expect((await run({}, folder)).stderr).toContain('expected config.json and model.safetensors in the folder');
    await writeFile(join(folder, 'config.json'), '{}');
    expect((await run({}, join(folder, 'none'))).stderr).toContain('got no such folder');
  });
});
