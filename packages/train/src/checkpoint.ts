import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHostTensor } from '@dpar/io';
import { openSafetensors, readCheckpoint, writeCheckpoint, writeFileAtomic, writeSafetensors } from '@dpar/io/node';
import { DparError, float32, type HostTensor, type HostTensorOf, type Tensors } from '@dpar/tensor';
import type { Moments } from './adamw.js';
import type { Trainer } from './trainer.js';

/** Names of the files that a trainer adds to a model's checkpoint. */
export const files = {
  optimizer: 'optimizer.safetensors',
  average: 'average.safetensors',
  trainer: 'trainer.json',
} as const;

/** Prefixes of the names of moments, PyTorch's. */
export const prefixes = { first: 'exp_avg.', second: 'exp_avg_sq.' } as const;

/**
 * Writes a trainer's checkpoint, whole or not at all: `config.json` and `model.safetensors` as any checkpoint has them,
 * `optimizer.safetensors` (`exp_avg.<parameter>` and `exp_avg_sq.<parameter>`), `average.safetensors` if a moving average
 * is kept, and `trainer.json` with the step and the seed.
 */
export async function writeTrainerCheckpoint(folder: string, trainer: Trainer): Promise<void> {
  const { parameters, optimizer, average, options } = trainer;
  const moments: Record<string, HostTensor> = {};
  for (const [name, { first, second }] of Object.entries(optimizer.moments)) {
    const shape = parameters[name]?.shape ?? [];
    moments[prefixes.first + name] = float32(shape, first);
    moments[prefixes.second + name] = float32(shape, second);
  }
  await writeCheckpoint(folder, options.model.configJson, parameters, {
    more: async (partial) => {
      await writeSafetensors(join(partial, files.optimizer), moments);
      if (average !== undefined) await writeSafetensors(join(partial, files.average), average);
      const state = { step: trainer.step, seed: options.seed };
      await writeFileAtomic(join(partial, files.trainer), `${JSON.stringify(state, null, 2)}\n`);
    },
  });
}

/**
 * Puts a trainer, made with the same options as the one that wrote the checkpoint, back to where that one stood:
 * parameters, moments, average and step.
 * @throws DparError if the checkpoint is of another model or seed; IoError if a file is missing or damaged.
 */
export async function restoreTrainer(folder: string, trainer: Trainer): Promise<void> {
  const { parameters, optimizer, average, options } = trainer;
  const { parameters: stored } = await readCheckpoint(folder);
  const state: { step?: unknown; seed?: unknown } = JSON.parse(await readFile(join(folder, files.trainer), 'utf8'));
  if (typeof state.step !== 'number' || state.seed !== options.seed) {
    throw new DparError(
      `restoreTrainer: expected a step and the seed ${options.seed} in '${join(folder, files.trainer)}', ` +
        `got ${JSON.stringify(state)}. Resume with the settings that the run was started with.`,
    );
  }
  const moments = await readTensors(join(folder, files.optimizer));
  const names = Object.keys(parameters);
  const storedAverage = average === undefined ? undefined : await readTensors(join(folder, files.average));
  checkLike(parameters, stored);
  if (average !== undefined && storedAverage !== undefined) checkLike(average, storedAverage);
  optimizer.restore(state.step, Object.fromEntries(names.map((name) => [name, momentsOf(moments, name)])));
  copyInto(parameters, stored);
  if (average !== undefined && storedAverage !== undefined) copyInto(average, storedAverage);
}

function momentsOf(tensors: Tensors<HostTensor>, name: string): Moments {
  const data = (key: string): Float32Array =>
    (tensors[key] as HostTensorOf<'float32'> | undefined)?.data ?? new Float32Array(0);
  return { first: data(prefixes.first + name), second: data(prefixes.second + name) };
}

async function readTensors(path: string): Promise<Record<string, HostTensor>> {
  const file = await openSafetensors(path);
  try {
    const tensors: Record<string, HostTensor> = {};
    for (const name of file.names) tensors[name] = toHostTensor(await file.read(name), `'${name}'`);
    return tensors;
  } finally {
    await file.close();
  }
}

function checkLike(targets: Tensors<HostTensor>, sources: Tensors<HostTensor>): void {
  for (const [name, { data }] of Object.entries(targets)) {
    const source = sources[name];
    if (source?.dtype !== 'float32' || source.data.length !== data.length) {
      throw new DparError(
        `restoreTrainer: expected float32 data of ${data.length} elements for '${name}', ` +
          `got ${source ? `${source.data.length} of ${source.dtype}` : 'none'}. Use a checkpoint of this model.`,
      );
    }
  }
}

function copyInto(targets: Tensors<HostTensor>, sources: Tensors<HostTensor>): void {
  for (const [name, { data }] of Object.entries(targets)) data.set(sources[name]?.data ?? []);
}
