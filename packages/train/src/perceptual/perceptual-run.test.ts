import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { onnxModel, randomImages, writePngs } from '@dpar/fixtures';
import { createRandom, type Engine } from '@dpar/tensor';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { train } from '../run/train.js';
import { parseTrainConfig } from '../run/train-config.js';
import type { StepMetrics } from '../trainer/metrics.js';

let engine: Engine;
let folder: string;

beforeAll(async () => {
  engine = await createOrtEngine();
});
afterAll(() => engine.dispose());

beforeEach(async () => {
  folder = await temporaryFolder();
  await writePngs(join(folder, 'pictures'), randomImages(4, 1, 16, 16), (i) => `${i}.png`);
  await writeNetwork(1);
});

/** Writes a network of one convolution. */
async function writeNetwork(seed: number): Promise<void> {
  const data = createRandom(seed).fillNormal(new Float32Array(8 * 3 * 9));
  const bytes = onnxModel({
    inputs: [{ name: 'images', shape: ['batch', 3, 'height', 'width'] }],
    outputs: [{ name: 'maps', shape: [] }],
    operators: [{ op: 'Conv', inputs: ['images', 'w'], outputs: ['maps'] }],
    constants: [{ name: 'w', shape: [8, 3, 3, 3], data }],
  });
  await writeFile(join(folder, 'network.onnx'), bytes);
}

async function run(steps: number, perceptual: object | null, resume = false): Promise<StepMetrics[]> {
  const config = parseTrainConfig('test', {
    model: {
      kind: 'vq',
      ch: 8,
      ch_mult: [1, 1],
      num_res_blocks: 1,
      z_channels: 8,
      codebook_size: 16,
      codebook_embed_dim: 4,
      image_size: 16,
      norm_groups: 4,
    },
    data: { images: join(folder, 'pictures') },
    loss: { perceptual },
    steps,
    batch_size: 2,
    output: join(folder, 'run'),
  });
  const metrics: StepMetrics[] = [];
  for await (const step of train(engine, config, { resume })) metrics.push(step);
  return metrics;
}

it('trains a tokenizer by the distance of a network, and resumes only with the same network', async () => {
  const perceptual = { network: join(folder, 'network.onnx'), weight: 0.5, layers: ['maps'], range: 'signed' };
  const metrics = await run(2, perceptual);
  for (const { loss, absolute = 0, squared = 0, perceptual: distance = 0 } of metrics) {
    expect(distance).toBeGreaterThan(0);
    expect(loss).toBeGreaterThanOrEqual(absolute + squared + 0.5 * distance - 1e-5);
  }
  expect(await run(4, perceptual, true)).toHaveLength(2);
  await writeFile(join(folder, 'copy.onnx'), await readFile(perceptual.network));
  expect(await run(5, { ...perceptual, network: join(folder, 'copy.onnx') }, true)).toHaveLength(1);
  await writeNetwork(2);
  await expect(run(6, perceptual, true)).rejects.toThrow(
    /expected the settings and data that the run in '.*' was started with, got 'loss\.perceptual\.network' "sha256:.*Data with another digest/,
  );
});
