import { join } from 'node:path';
import { fixturePath, relativeDifference } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import { named } from '@dpar/tensor';
import { type Check, type Findings, runCheck } from './check.js';
import { type CheckSettings, deviceOptions, dpar } from './commands.js';

/** Models with recorded outputs and gradients, and the outputs that have no padding. */
const models: Readonly<Record<string, readonly string[]>> = {
  llamagen: ['logits', 'loss'],
  'dpar-dynamic4d': ['logits', 'loss', 'local_encoder.tokens', 'local_decoder'],
  'dpar-dynamic3d': ['logits', 'loss', 'local_encoder.tokens', 'local_decoder'],
  'dpar-rope1d': ['logits', 'loss', 'local_encoder.tokens', 'local_decoder'],
  'dpar-e2d1-static2': ['logits', 'loss', 'local_encoder.tokens', 'local_decoder'],
  'entropy-model': ['logits', 'loss', 'entropies'],
};

/** Models of a small run. */
const smallModels = 2;

/** Largest differences, as shares of the largest magnitude of a tensor. */
const limits = { outputs: 2e-4, gradients: 1e-3 };

/** Compares outputs and all gradients with the values that were recorded from the authors' code. */
export async function checkFixtures(settings: CheckSettings): Promise<Check[]> {
  const names = Object.keys(models).slice(0, settings.small ? smallModels : undefined);
  const checks: Check[] = [];
  for (const name of names) {
    checks.push(await runCheck(`fixtures/${name}`, settings.budget, () => compare(settings, name)));
  }
  return checks;
}

const read = async (path: string) => toHostTensors((await readSafetensors(path)).tensors);

async function compare(settings: CheckSettings, name: string): Promise<Findings> {
  const [input, output] = [fixturePath(`${name}/io.safetensors`), join(settings.folder, `${name}.safetensors`)];
  const files = ['--checkpoint', fixturePath(name), '--input', input, '--output', output];
  await dpar(['forward', ...files, '--gradients', ...deviceOptions(settings, settings.device)], settings.budget);
  const [found, io, recorded] = [
    await read(output),
    await read(input),
    await read(fixturePath(`${name}/grads.safetensors`)),
  ];
  const gradients = Object.keys(recorded).filter((key) => key.startsWith('grad.'));
  const largest = (names: readonly string[], expected: typeof io): number =>
    Math.max(...names.map((key) => relativeDifference(named(found, key), named(expected, key))));
  return {
    about: `outputs and ${gradients.length} gradients of the authors' code`,
    deviations: [
      { of: 'outputs', value: largest(models[name] ?? [], io), limit: limits.outputs },
      { of: 'gradients', value: largest(gradients, recorded), limit: limits.gradients },
    ],
  };
}
