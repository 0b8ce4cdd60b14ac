import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device } from '@dpar/engine-ort';
import { largestDifference } from '@dpar/fixtures';
import { createRandom, float32, int32 } from '@dpar/tensor';
import { writeTokenSet } from '@dpar/train/node';
import { randomEntropies } from '../patches.js';
import { meanPatches } from '../training/models.js';
import { type Check, type Findings, runCheck } from './check.js';
import { type CheckSettings, deviceOptions, dpar } from './commands.js';

/** Model: 4 layers, 96 wide, 256 tokens of 512 codes. */
const model = {
  kind: 'dpar',
  dim: 96,
  n_head: 2,
  n_local_encoder_layers: 1,
  n_layer: 2,
  n_local_decoder_layers: 1,
  multiple_of: 96,
  vocab_size: 512,
  block_size: 256,
  num_classes: 9,
  patching: { threshold: 0, max_patch_length: 4, row_length: 16 },
};

/** Images of the data. */
const images = 32;

/** Largest difference of a loss, in nats per token. */
const limit = 1e-3;

/** Least fall of the loss, in nats per token. */
const leastFall = 0.1;

/** Trains a small DPAR on the device and on the CPU, with the same seed, and compares the losses of all steps. */
export async function checkTraining(settings: CheckSettings): Promise<Check[]> {
  return [await runCheck('training/dpar', settings.budget, () => compare(settings))];
}

async function compare(settings: CheckSettings): Promise<Findings> {
  const size = settings.small ? { steps: 8, batch_size: 2 } : { steps: 50, batch_size: 8 };
  const tokens = join(settings.folder, 'tokens.safetensors');
  await writeTokenSet(tokens, learnableSet());
  const path = join(settings.folder, 'train.json');
  const json = {
    ...size,
    model,
    data: { tokens },
    optimizer: { learning_rate: 3e-3 },
    dropout: { token: 0.1, residual: 0.1, feed_forward: 0.1 },
    initialization: 'narrow',
  };
  await writeFile(path, JSON.stringify(json));
  const losses = async (device: Device, name: string): Promise<number[]> => {
    const output = join(settings.folder, name);
    await dpar(['train', '--config', path, '--output', output, ...deviceOptions(settings, device)], settings.budget);
    const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    return lines.map((line) => (JSON.parse(line) as { loss: number }).loss);
  };
  const cpu = await losses('cpu', 'run-on-cpu');
  const device = await losses(settings.device, 'run-on-device');
  const fall = (device[0] ?? Number.NaN) - (device.at(-1) ?? Number.NaN);
  return {
    ...(fall > leastFall ? {} : { status: 'failed' as const }),
    about: `${size.steps} steps, batches of ${size.batch_size} images: the loss falls by ${fall.toFixed(2)} nats`,
    deviations: [{ of: 'losses in nats', value: largestDifference(device, cpu), limit }],
    losses: { device, cpu },
  };
}

/** Tokens that a model learns in a few steps: each depends on its class and its place, and a little on chance. */
function learnableSet() {
  const { block_size: T, vocab_size: vocabSize, num_classes: numClasses } = model;
  const random = createRandom(7);
  const labels = Int32Array.from({ length: images }, (_, i) => i % numClasses);
  const tokens = Int32Array.from({ length: images * T }, (_, i) => {
    const label = labels[Math.floor(i / T)] as number;
    return (31 * label + 5 * (i % T) + random.integer(4)) % vocabSize;
  });
  const entropies = randomEntropies(
    Array.from({ length: images }, () => meanPatches),
    6,
  );
  return {
    tokens: int32([images, T], tokens),
    labels: int32([images], labels),
    entropies: float32(
      [images, T - 1],
      entropies.flatMap((image) => [...image]),
    ),
  };
}
