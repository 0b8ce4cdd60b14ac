import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileDigest } from '@dpar/io/node';
import { writeTokenSet } from '../disk/token-file.js';
import { type ImageModelTrainConfig, imageModelConfig, readTrainConfig } from '../run/train-config.js';
import { tinySet } from './tiny.js';

/** Settings of a DPAR model of one layer each. */
export const tinyDparSettings = {
  kind: 'dpar',
  dim: 16,
  n_head: 1,
  multiple_of: 8,
  vocab_size: 6,
  block_size: 16,
  num_classes: 3,
  n_layer: 1,
  n_local_encoder_layers: 1,
  n_local_decoder_layers: 1,
  embedding_type: 'dynamic_4d',
  patching: { threshold: 1, max_patch_length: 4 },
};

/** A configuration of a tiny run in `folder/run`, with its data in `folder`. */
export async function tinyRun(folder: string, changes: object = {}): Promise<ImageModelTrainConfig> {
  const data = { tokens: join(folder, 'tokens.safetensors'), validation: join(folder, 'validation.safetensors') };
  await writeTokenSet(data.tokens, tinySet(7));
  await writeTokenSet(data.validation, tinySet(3, 2));
  return imageRun({
    model: tinyDparSettings,
    data,
    optimizer: { learning_rate: 0.01, average_decay: 0.9 },
    steps: 6,
    batch_size: 2,
    validate_every: 3,
    checkpoints: { every: 2 },
    output: join(folder, 'run'),
    ...changes,
  });
}

/** Training configuration of a model of image tokens. */
export function imageRun(json: object, settings: readonly string[] = []): ImageModelTrainConfig {
  return imageModelConfig('imageRun', readTrainConfig(json, settings));
}

/** The SHA-256 of all files below a folder, by their path there. */
export async function filesBelow(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const contents = files.sort().map(async (path) => [path.slice(folder.length + 1), await fileDigest(path)]);
  return Object.fromEntries(await Promise.all(contents));
}

/** The lines of a run's metrics without what depends on time: seconds, rates, and graphs that a process compiled. */
export async function metricsOf(output: string): Promise<object[]> {
  const text = await readFile(join(output, 'metrics.jsonl'), 'utf8');
  if (!text.endsWith('\n')) throw new Error('expected whole lines');
  const lines = text.trimEnd().split('\n');
  const timed = /seconds$|per_second$|^graphs$/;
  return lines.map((line) =>
    Object.fromEntries(Object.entries(JSON.parse(line)).filter(([name]) => !timed.test(name))),
  );
}
