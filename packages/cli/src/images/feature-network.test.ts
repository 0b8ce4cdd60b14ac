import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine, exportOnnx } from '@dpar/engine-ort';
import { createDinov2Network, dinov2Parameters, featureStatistics, frechetDistance } from '@dpar/eval';
import { loadFeatureWeights } from '@dpar/eval/node';
import { onnxModel } from '@dpar/fixtures';
import { openImageFolder } from '@dpar/images/node';
import { writeSafetensors } from '@dpar/io/node';
import { createRandom, float32, named, type TensorFunction } from '@dpar/tensor';
import { encode } from 'fast-png';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

let folder: string;

/** Means of the 8 x 8 blocks of images [2, 3, 16, 16]. */
const blockMeans: TensorFunction = (ops, inputs) => {
  const pooled = ops.averagePool2d(named(inputs, 'images'), { kernel: [8, 8], stride: 8 });
  return { pool: ops.reshape(pooled, [2, 12]) };
};

async function writeImages(name: string, seed: number, brightness: number): Promise<string> {
  await mkdir(join(folder, name));
  const random = createRandom(seed);
  for (let i = 0; i < 20; i++) {
    const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => brightness + random.integer(100));
    await writeFile(join(folder, name, `${i}.png`), encode({ width: 32, height: 32, data, channels: 3 }));
  }
  return join(folder, name);
}

beforeEach(async () => {
  folder = await temporaryFolder();
  const type = { dtype: 'float32', shape: [2, 3, 16, 16] } as const;
  await writeFile(join(folder, 'means.onnx'), exportOnnx(blockMeans, { images: type }));
  await writeFile(join(folder, 'weights.bin'), '');
  await writeFile(join(folder, 'weights.pth'), 'none');
  await writeImages('a', 1, 0);
  await writeImages('b', 2, 100);
});

const evaluate = (...more: string[]) =>
  runCli(['eval', '--reference', join(folder, 'a'), '--samples', join(folder, 'b'), ...more]);

it('evaluates images with any ONNX model', async () => {
  const options = ['--features', join(folder, 'means.onnx'), '--range', 'unit'];
  const { stdout, stderr, status } = await evaluate(...options, '--json');
  expect(stderr).not.toContain('error');
  expect(status).toBe(0);
  const found = JSON.parse(stdout);
  // 12 means, each 100 / 255 higher, and hardly any variance.
  expect(found.fid).toBeCloseTo(12 * (100 / 255) ** 2, 1);
  expect(found).toMatchObject({ precision: 0, recall: 0, reference_count: 20, sample_count: 20 });
  const text = (await evaluate(...options)).stdout;
  expect(text).toContain('ONNX');
  expect(text).toMatch(/resize .*bicubic/);
});

it('evaluates images with weights of DINOv2', async () => {
  const random = createRandom(5);
  const size = { width: 64, depth: 1, feedForward: 'mlp', registers: 0, grid: 3 } as const;
  const weights = [...dinov2Parameters(size)].map(([name, shape]) => {
    const tensor = float32(shape);
    return [name, { ...tensor, data: random.fillNormal(tensor.data, { std: 0.1 }) }] as const;
  });
  const file = join(folder, 'dinov2.safetensors');
  await writeSafetensors(file, Object.fromEntries(weights));
  const { stdout, stderr, status } = await evaluate('--features', file, '--image-size', '28', '--json', '--quiet');
  expect([stderr, status]).toEqual(['', 0]);

  const engine = await createOrtEngine();
  const network = createDinov2Network(engine, await loadFeatureWeights(file), { size: 28 });
  const statisticsOf = async (name: string) => {
    const images = [];
    for await (const image of (await openImageFolder(join(folder, name))).read(0, 20)) images.push(image);
    return featureStatistics((await network.extract(images)).pool);
  };
  const { distance } = frechetDistance(await statisticsOf('a'), await statisticsOf('b'));
  await engine.dispose();
  const found = JSON.parse(stdout);
  expect(found.fid / distance).toBeCloseTo(1, 9);
  expect(found).toMatchObject({ distance: 'FD-DINOv2', features: 64, network: network.name, resize: network.resize });
  const text = (await evaluate('--features', file, '--image-size', '28')).stdout;
  expect(text).toMatch(
    /^reference +a, N = 20\nsamples +b, N = 20\nfeature network +DINOv2 ViT of 1 blocks of width 64 \(/,
  );
  expect(text).toMatch(
    /^resize +28 x 28, antialiased bicubic as in Pillow, rounded to bytes; comparable to dgm-eval$/m,
  );
  expect(text).toMatch(/^FD-DINOv2 +\d/m);
  const layout = await evaluate('--features', file, '--layout', 'NCHW');
  expect([layout.status, layout.stderr]).toEqual([2, expect.stringContaining('--layout: expected an .onnx model')]);
});

it('says which options belong to which file', async () => {
  const messageOf = async (...options: string[]) => (await evaluate(...options)).stderr;
  expect(await messageOf('--features', join(folder, 'means.onnx'))).toContain('--range: expected the value range');
  expect(await messageOf('--features', join(folder, 'weights.bin'))).toContain('expected .pth or .safetensors weights');
  expect(await messageOf('--features', join(folder, 'weights.pth'), '--range', 'unit')).toContain('an .onnx model');
  expect(await messageOf('--features', join(folder, 'weights.pth'))).toMatch(/PyTorch|torch/);
});

describe('an ONNX network as exporters write it', () => {
  const axes = ['batch_size', 'num_channels', 'height', 'width'];
  const run = (...more: string[]) =>
    evaluate('--features', join(folder, 'net.onnx'), '--no-cache', '--quiet', '--json', ...more);

  /** Corner pixels [N, 12] as `pooler_output`, with their halves as `half` and tokens. */
  async function write(shape: readonly string[], size = 2): Promise<void> {
    const weights = { name: 'weights', shape: [3 * size * size, 12], data: new Float32Array(36 * size * size) };
    weights.data.forEach((_, i) => {
      weights.data[i] = i % 13 === 0 ? 1 : 0;
    });
    const file = onnxModel({
      inputs: [{ name: 'pixel_values', shape }],
      outputs: [
        { name: 'last_hidden_state', shape: ['batch_size', 'sequence_length', 12] },
        { name: 'pooler_output', shape: ['batch_size', 12] },
        { name: 'half', type: 'float16', shape: ['batch_size', 12] },
      ],
      operators: [
        { op: 'Flatten', inputs: ['pixel_values'], outputs: ['flat'] },
        { op: 'MatMul', inputs: ['flat', 'weights'], outputs: ['pooler_output'] },
        { op: 'Unsqueeze', inputs: ['pooler_output', 'one'], outputs: ['token'] },
        { op: 'Concat', inputs: ['token', 'token'], outputs: ['last_hidden_state'], attributes: { axis: 1 } },
        { op: 'Mul', inputs: ['pooler_output', 'share'], outputs: ['halves'] },
        { op: 'Cast', inputs: ['halves'], outputs: ['half'], attributes: { to: 10 } },
      ],
      constants: [
        weights,
        { name: 'one', shape: [1], data: BigInt64Array.of(1n) },
        { name: 'share', shape: [1], data: Float32Array.of(0.5) },
      ],
    });
    await writeFile(join(folder, 'net.onnx'), file);
  }

  it('is read with a range by name and its size', async () => {
    await write(axes);
    const fidOf = async (...more: string[]): Promise<number> => {
      const { stdout, stderr, status } = await run('--image-size', '2', ...more);
      expect([status, stderr]).toEqual([0, '']);
      return JSON.parse(stdout).fid;
    };
    const deviations = [0.26862954, 0.26130258, 0.27577711].map((value) => 255 * value);
    const unit = await fidOf('--range', 'unit');
    expect(await fidOf('--range', 'bytes')).toBeCloseTo(unit * 255 ** 2, 0);
    // 4 places of each channel, and sets that differ by 100 at each.
    const means = deviations.reduce((sum, deviation) => sum + 4 * (100 / deviation) ** 2, 0);
    expect((await fidOf('--range', 'clip')) / means).toBeCloseTo(1, 1);
    // The named output, and tokens.
    expect((await fidOf('--range', 'unit', '--outputs', 'pool=half')) / unit).toBeCloseTo(0.25, 2);
    expect((await fidOf('--range', 'unit', '--outputs', 'half')) / unit).toBeCloseTo(0.25, 2);
    expect(await fidOf('--range', 'unit', '--tokens', 'first')).toBeCloseTo(unit, 6);
    const layout = ['--layout', 'NCHW', '--input', 'pixel_values', '--outputs', 'pool=pooler_output,logits=half'];
    expect(await fidOf('--range', 'unit', ...layout)).toBeCloseTo(unit, 9);
  });

  it('asks for what it leaves open by the options that there are', async () => {
    await write(axes);
    const at = ['--range', 'unit', '--image-size', '2'];
    for (const [options, status, message] of [
      [
        ['--image-size', '2'],
        2,
        '--range: expected the value range of the training images (bytes, unit, signed, imagenet, clip',
      ],
      [
        ['--range', 'unit'],
        1,
        `'${join(folder, 'net.onnx')}': expected an input of fixed size, got 'pixel_values' [batch_size, num_`,
      ],
      [['--range', 'unit'], 1, 'Pass the size of the training images as --image-size.'],
      [[...at, '--tokens', 'last'], 2, '--tokens: expected one of first, mean'],
      [
        [...at, '--outputs', 'pool=x'],
        1,
        "expected the name of an output of the model ('last_hidden_state' [batch_size, 2, 12], ",
      ],
      [[...at, '--outputs', 'pool=x,pool=y'], 2, '--outputs: expected one name for each of pool, spatial and logits'],
      [
        [...at, '--outputs', 'kid=x'],
        2,
        '--outputs: expected names of outputs, such as pool=pooler_output,logits=logits',
      ],
      [
        [...at, '--input', 'x'],
        1,
        "expected the name of an input of the model ('pixel_values' [batch_size, num_channels",
      ],
      [['--range', 'unit', '--image-size', '3'], 1, 'got a failure in ONNX Runtime: MatMul: '],
      [['--range', 'unit', '--image-size', '3'], 1, '--image-size'],
    ] as const) {
      const found = await run(...options);
      expect([found.status, found.stdout, found.stderr.split('\n').length]).toEqual([status, '', 2]);
      expect(found.stderr).toContain(message);
    }
    await write(['', '', '', '']);
    expect((await run(...at)).status).toBe(0);
    const other = ['--features', join(folder, 'weights.pth'), '--layout', 'NCHW', '--outputs', 'x'];
    expect((await evaluate(...other)).stderr).toContain('--layout, --outputs: expected an .onnx model');
  });

  it('is none for features of two outputs that fit, until one is named', async () => {
    const file = onnxModel({
      inputs: [{ name: 'x', shape: ['a', 'b', 'c', 'd'] }],
      outputs: [
        { name: 'y', shape: ['a', 3] },
        { name: 'z', shape: ['a', 3] },
      ],
      operators: ['y', 'z'].map((name) => ({
        op: 'ReduceMean',
        inputs: ['x'],
        outputs: [name],
        attributes: { axes: [2, 3], keepdims: 0 },
      })),
    });
    await writeFile(join(folder, 'net.onnx'), file);
    const at = ['--range', 'unit', '--image-size', '2'];
    expect((await run(...at)).stderr).toContain('Pass --layout.');
    const named = [...at, '--layout', 'NCHW'];
    expect((await run(...named)).stderr).toContain("got 'y' [a, 3], 'z' [a, 3]. Pass --outputs pool=NAME.");
    expect((await run(...named, '--outputs', 'pool=z')).status).toBe(0);
  });
});
