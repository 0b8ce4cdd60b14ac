import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { exportOnnx } from '@dpar/engine-ort';
import { createRandom, named, type TensorFunction } from '@dpar/tensor';
import { encode } from 'fast-png';
import { beforeEach, expect, it } from 'vitest';
import { runCli } from './testing/run-cli.js';

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

it('says which options belong to which file', async () => {
  const messageOf = async (...options: string[]) => (await evaluate(...options)).stderr;
  expect(await messageOf('--features', join(folder, 'means.onnx'))).toContain('--range: expected the values');
  expect(await messageOf('--features', join(folder, 'weights.bin'))).toContain('expected .pth or .safetensors weights');
  expect(await messageOf('--features', join(folder, 'weights.pth'), '--range', 'unit')).toContain('an .onnx model');
  expect(await messageOf('--features', join(folder, 'weights.pth'))).toMatch(/PyTorch|torch/);
});
