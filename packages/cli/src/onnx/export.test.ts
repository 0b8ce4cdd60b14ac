import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { entropyKind, entropyModel } from '@dpar/entropy';
import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors, writeCheckpoint } from '@dpar/io/node';
import { dpar, dparInputs, dparKind, llamaGen, llamaGenKind } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import { type HostTensor, type HostTensorOf, hostTensor, named, type TensorFunction, type Tensors } from '@dpar/tensor';
import { findMismatch } from '@dpar/tensor/conformance';
import { createTokenizer, tokenizerKinds } from '@dpar/tokenizer';
import { afterAll, describe, expect, it } from 'vitest';
import { openOnnx, runOnnx, runtimes } from '../testing/onnx.js';
import { runCli } from '../testing/run-cli.js';
import { tokenizerFolder } from '../testing/sampling.js';

const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());

/** Runs `dpar export --format onnx`, which must not fail. @returns What `--json` prints. */
async function exported(checkpoint: string, output: string, ...more: string[]) {
  const argv = ['export', '--checkpoint', checkpoint, '--format', 'onnx', '--output', output, '--json', ...more];
  const { status, stdout, stderr } = await runCli(argv);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

/** Some rows of each tensor [B, ...]. */
function rowsOf(tensors: Tensors<HostTensor>, first: number, count: number): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
      const width = data.length / (shape[0] ?? 1);
      const part = data.subarray(first * width, (first + count) * width);
      return [name, hostTensor(dtype, [count, ...shape.slice(1)], part)];
    }),
  );
}

/** Patch lengths with more or fewer columns of zeros. */
function withColumns({ shape: [B = 0, M = 0], data }: HostTensor, columns: number): HostTensor {
  const result = hostTensor('int32', [B, columns]);
  for (let b = 0; b < B; b++) {
    result.data.set(data.subarray(b * M, b * M + Math.min(M, columns)) as Int32Array, b * columns);
  }
  return result;
}

/** The smallest number of columns that holds all patches. */
function patchesIn({ shape: [B = 0, M = 0], data }: HostTensor): number {
  return Math.max(
    ...Array.from({ length: B }, (_, b) => data.subarray(b * M, (b + 1) * M).filter((n) => n > 0).length),
  );
}

interface Fixture {
  readonly config: Record<string, unknown>;
  readonly parameters: Tensors<HostTensor>;
  readonly io: Tensors<HostTensor>;
}

async function fixture(name: string): Promise<Fixture> {
  const io = toHostTensors((await readSafetensors(fixturePath(`${name}/io.safetensors`))).tensors);
  return { ...(await readCheckpoint(fixturePath(name))), io };
}

/** Outputs of the engine for a model's inputs in the form of the exported file. */
async function byEngine({ config, parameters }: Fixture, inputs: Tensors<HostTensor>): Promise<Tensors<HostTensor>> {
  const [tokens, labels, lengths] = [named(inputs, 'tokens'), inputs.labels, inputs.patch_lengths];
  const settings = lengths && dparKind.readConfig(config);
  const fn: TensorFunction = (ops, x) => {
    if (settings) {
      const { logits, loss } = dpar(ops, settings, x, x as never);
      return { logits, loss };
    }
    if (config.kind === 'entropy')
      return { ...entropyModel(ops, entropyKind.readConfig(config), x, named(x, 'tokens')) };
    return { ...llamaGen(ops, llamaGenKind.readConfig(config), x, named(x, 'tokens'), named(x, 'labels')) };
  };
  const compiled = engine.compile(fn, { constants: parameters });
  const prepared = settings
    ? dparInputs(settings, tokens, labels as HostTensor, lengths as HostTensorOf<'int32'>)
    : inputs;
  const outputs = await compiled.run({ ...prepared });
  await compiled.dispose();
  return outputs;
}

const models = ['dpar-dynamic4d', 'dpar-dynamic3d', 'dpar-rope1d', 'dpar-e2d1-static2', 'llamagen', 'entropy-model'];

describe.each(models)('the teacher-forced pass of %s', (name) => {
  it.each([[[]], [['--portable']]])('in plain ONNX Runtime agrees with the engine and the vectors %j', async (more) => {
    const path = join(await temporaryFolder(), 'model.onnx');
    const { graphs } = await exported(fixturePath(name), path, ...more);
    const model = await fixture(name);
    const names = Object.keys(graphs[model.config.kind as string].inputs);
    const inputs = Object.fromEntries(names.map((input) => [input, named(model.io, input)]));
    for (const { ort } of runtimes) {
      const whole = await runOnnx(ort, path, inputs);
      expect(Object.keys(whole)).toEqual(Object.keys(graphs[model.config.kind as string].outputs));
      const scale = Math.max(...Array.from(named(model.io, 'logits').data, Math.abs));
      const expected = { logits: named(model.io, 'logits') };
      expect(
        findMismatch({ logits: named(whole, 'logits') }, expected, { relative: 0, absolute: 2e-4 * scale }),
      ).toBeUndefined();
      expect(named(whole, 'loss').data[0]).toBeCloseTo(named(model.io, 'loss').data[0] as number, 5);

      // Another number of images, and of patches: as few as there are, and more padding.
      const single = rowsOf(inputs, 1, 1);
      const lengths = single.patch_lengths;
      const columns = lengths ? [patchesIn(lengths), patchesIn(lengths) + 3] : [0];
      for (const count of columns) {
        const given = lengths ? { ...single, patch_lengths: withColumns(lengths, count) } : single;
        const actual = await runOnnx(ort, path, given);
        expect(findMismatch(actual, await byEngine(model, given), { relative: 1e-5, absolute: 1e-5 })).toBeUndefined();
      }
    }
  });
});

describe('tokenizers', () => {
  it.each(['vq', 'patch-vq'])('%s: both directions in plain ONNX Runtime', async (kind) => {
    const checkpoint = kind === 'vq' ? fixturePath('vq') : await tokenizerFolder();
    const folder = join(await temporaryFolder(), 'onnx');
    await exported(checkpoint, folder);
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'decode.onnx', 'encode.onnx']);
    const tokenizer = createTokenizer(engine, await loadModel(checkpoint, { kinds: tokenizerKinds }));
    const { imageSize: S } = tokenizer;
    for (const batch of [1, 3]) {
      const data = Float32Array.from({ length: batch * 3 * S * S }, (_, i) => Math.sin(i * i));
      const image = hostTensor('float32', [batch, 3, S, S], data);
      const codes = await tokenizer.encode(image);
      const decoded = await tokenizer.decode(codes);
      for (const { ort } of runtimes) {
        const encoded = await runOnnx(ort, join(folder, 'encode.onnx'), { image });
        expect(Array.from(named(encoded, 'codes').data)).toEqual(Array.from(codes.data));
        const actual = await runOnnx(ort, join(folder, 'decode.onnx'), { codes });
        expect(findMismatch(actual, { image: decoded }, { relative: 1e-5, absolute: 1e-5 })).toBeUndefined();
      }
    }
    await tokenizer.dispose();
  });

  it('vq: agrees with the reference vectors', async () => {
    const folder = join(await temporaryFolder(), 'onnx');
    await exported(fixturePath('vq'), folder);
    const { io } = await fixture('vq');
    for (const { ort } of runtimes) {
      const { codes } = await runOnnx(ort, join(folder, 'encode.onnx'), { image: named(io, 'image') });
      expect(Array.from((codes as HostTensor).data)).toEqual(Array.from(named(io, 'codes').data));
    }
  });
});

describe('files', () => {
  it('keep weights in a file of their own on request', async () => {
    const folder = await temporaryFolder();
    const [inside, outside] = [join(folder, 'inside.onnx'), join(folder, 'outside.onnx')];
    const model = await fixture('llamagen');
    await exported(fixturePath('llamagen'), inside);
    const { files } = await exported(fixturePath('llamagen'), outside, '--external-data');
    expect(files).toEqual([`${outside}.data`, outside]);
    expect((await stat(`${outside}.data`)).size).toBeGreaterThan(0.9 * (await stat(inside)).size - 60_000);
    expect((await stat(outside)).size).toBeLessThan(60_000);
    const inputs = { tokens: named(model.io, 'tokens'), labels: named(model.io, 'labels') };
    for (const { ort } of runtimes) {
      expect(await runOnnx(ort, outside, inputs, true)).toEqual(await runOnnx(ort, inside, inputs));
    }
    // Written again over itself.
    await exported(fixturePath('llamagen'), outside, '--external-data');
    expect((await readdir(folder)).sort()).toEqual(['inside.onnx', 'outside.onnx', 'outside.onnx.data']);
  });

  it('say what they are', async () => {
    const path = join(await temporaryFolder(), 'model.onnx');
    const { graphs } = await exported(fixturePath('dpar-dynamic4d'), path);
    const text = (await readFile(path)).toString('latin1');
    const { config } = await fixture('dpar-dynamic4d');
    for (const stored of [
      JSON.stringify(config),
      JSON.stringify(graphs.dpar.inputs),
      JSON.stringify(graphs.dpar.outputs),
    ]) {
      expect(text).toContain(stored);
    }
    const session = await openOnnx((runtimes[0] as (typeof runtimes)[number]).ort, path);
    expect(session.inputMetadata).toMatchObject([
      { name: 'tokens', type: 'int32', shape: ['batch', 64] },
      { name: 'labels', type: 'int32', shape: ['batch'] },
      { name: 'patch_lengths', type: 'int32', shape: ['batch', 'patches'] },
    ]);
    expect(session.outputMetadata[0]).toMatchObject({ name: 'logits', shape: ['batch', 64, 48] });
    await session.release();
  });

  it.each(['int8', 'int4'])('hold weights of %s', async (weights) => {
    const path = join(await temporaryFolder(), 'model.onnx');
    await exported(fixturePath('llamagen'), path, '--weights', weights);
    const { io } = await fixture('llamagen');
    const inputs = { tokens: named(io, 'tokens'), labels: named(io, 'labels') };
    const [{ ort }] = runtimes as [(typeof runtimes)[number]];
    const [actual, expected] = [named(await runOnnx(ort, path, inputs), 'logits').data, named(io, 'logits').data];
    const rms = (values: ArrayLike<number>) =>
      Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0) / values.length);
    const error = rms(Array.from(actual, (value, i) => value - (expected[i] as number))) / rms(expected);
    expect(error).toBeGreaterThan(1e-4);
    expect(error).toBeLessThan(weights === 'int8' ? 0.05 : 0.5);
  });

  it.each<[string, string, readonly string[], string, string]>([
    ['llamagen', 'model.pt', [], '2', '--output: expected a FILE.onnx for this model'],
    ['llamagen', 'x.onnx', ['--decode'], '2', '--output: expected a folder for model_step.onnx'],
    ['vq', 'x', ['--decode'], '2', '--decode: expected a model that generates, got a tokenizer'],
    [
      'llamagen',
      'x.onnx',
      ['--portable', '--weights', 'int8'],
      '2',
      '--portable: expected --weights float32, got int8',
    ],
    ['llamagen', 'x.onnx', ['--without-optimizer'], '2', '--without-optimizer: expected --format pytorch'],
    ['dpar-dynamic4d', 'x.onnx', ['--entropy-checkpoint', 'y'], '2', '--entropy-checkpoint: expected --decode'],
    [
      'llamagen',
      'x',
      ['--decode', '--entropy-checkpoint', 'y'],
      '2',
      "expected a DPAR model, got one of kind 'llamagen'",
    ],
  ])('%s to %s with %j: refuses', async (name, output, more, status, message) => {
    const path = join(await temporaryFolder(), output);
    const argv = ['export', '--checkpoint', fixturePath(name), '--format', 'onnx', '--output', path, ...more];
    expect(await runCli(argv)).toMatchObject({
      status: Number(status),
      stdout: '',
      stderr: expect.stringContaining(message),
    });
    expect(existsSync(path)).toBe(false);
  });

  it('do not replace a folder of other things', async () => {
    const folder = join(await temporaryFolder(), 'mine');
    await mkdir(folder);
    await writeFile(join(folder, 'letter.txt'), 'dear');
    const argv = ['export', '--checkpoint', fixturePath('vq'), '--format', 'onnx', '--output', folder];
    expect(await runCli(argv)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("got one that holds 'letter.txt'"),
    });
    expect(await readdir(folder)).toEqual(['letter.txt']);
    const file = join(folder, 'letter.txt');
    expect(await runCli([...argv.slice(0, -1), file])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('got the file'),
    });
  });
});

it('stores the names of classes: in the metadata of each file, and beside the steps', async () => {
  const folder = await temporaryFolder();
  const { config, parameters } = await readCheckpoint(fixturePath('llamagen'));
  const from = join(folder, 'from');
  await writeCheckpoint(from, config, parameters);
  const names = JSON.stringify(['cat', 'dog', 'a, b', '10-20', 'é']);
  const [file, steps] = [join(folder, 'model.onnx'), join(folder, 'steps')];
  // A StringStringEntryProto of metadata_props: key 1, then value 2.
  const text = Buffer.from(names);
  const key = Buffer.from([0x0a, 7, ...Buffer.from('classes')]);
  const entry = Buffer.from([...key, 0x12, text.length, ...text]);
  await exported(from, file);
  expect((await readFile(file)).includes(key)).toBe(false);
  await writeFile(join(from, 'classes.json'), names);
  await exported(from, file);
  expect((await readFile(file)).includes(entry)).toBe(true);
  for (let again = 0; again < 2; again++) {
    const { files } = await exported(from, steps, '--decode');
    expect(files.map((path: string) => path.slice(steps.length + 1))).toEqual([
      ...['model_step.onnx', 'config.json', 'classes.json'],
    ]);
    expect(JSON.parse(await readFile(join(steps, 'classes.json'), 'utf8'))).toEqual(JSON.parse(names));
    expect((await readFile(join(steps, 'model_step.onnx'))).includes(entry)).toBe(true);
  }
});
