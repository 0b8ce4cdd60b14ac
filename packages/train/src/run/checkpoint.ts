import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { safetensorsChunks, toHostTensor } from '@dpar/io';
import {
  checkpointFiles,
  classesFile,
  findFolder,
  openSafetensors,
  writeFileAtomic,
  writeFolderAtomic,
} from '@dpar/io/node';
import { DparError, formatType, type HostTensor, sameShape, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { lossScalerName } from '../step/loss-scaler.js';
import type { RunTrainer } from '../trainer/run-trainer.js';
import { differences, formatDifferences } from './resume-settings.js';
import {
  type FileRecord,
  type TrainerState,
  trainerFiles,
  trainerStateOf,
  verifyTrainerCheckpoint,
  writeTrainerState,
} from './trainer-state.js';

/** Facts about the run that a checkpoint stores besides the trainer's state. */
export interface RunRecord {
  /** The training configuration, in snake_case. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Digests of the data, by the configuration's keys. */
  readonly data?: Readonly<Record<string, string>>;
  /** Names of the model's classes, for `classes.json`. */
  readonly classes?: readonly string[] | undefined;
  /** Validation loss at this step in nats per token, if it was measured. */
  readonly validationLoss?: number | undefined;
}

const runRecordKinds: KindsOf<RunRecord> = {
  'config?': 'object',
  'data?': 'object',
  'classes?': 'string[]',
  'validationLoss?': 'number',
  '*': 'any',
};

/**
 * Writes a trainer's checkpoint atomically. Tensors are written without a copy. The files are:
 * - `config.json` and `model.safetensors`, as in every checkpoint; the threshold of a boundary head is calibrated;
 * - `optimizer.safetensors`: `exp_avg.<parameter>` and `exp_avg_sq.<parameter>` of the trained parameters, and `loss_scale` of a
 *   run in float16;
 * - `average.safetensors` with `averageDecay`, and `classes.json` if the names of the classes are known;
 * - `trainer.json`: step and seed, on which all random numbers depend, the run's record, and size and SHA-256 of the other
 *   files.
 * @throws DparError if a parameter is not finite; nothing is written then.
 */
export async function writeTrainerCheckpoint(folder: string, trainer: RunTrainer, run: RunRecord = {}): Promise<void> {
  checkArguments(
    'writeTrainerCheckpoint',
    { folder, trainer, run },
    { folder: 'string', trainer: 'object', 'run?': runRecordKinds },
  );

  await trainer.download?.();
  const { parameters, average, seed } = trainer;
  checkFinite(trainer);
  const contents: [string, Iterable<Uint8Array>][] = [
    [checkpointFiles.config, [jsonBytes(await trainer.configNow())]],
    [checkpointFiles.model, safetensorsChunks(parameters)],
    [trainerFiles.optimizer, safetensorsChunks(trainer.state())],
  ];
  if (average !== undefined) contents.push([trainerFiles.average, safetensorsChunks(average)]);
  if (run.classes !== undefined) contents.push([classesFile, [jsonBytes(run.classes)]]);
  await writeFolderAtomic(folder, async (partial) => {
    const files: Record<string, FileRecord> = {};
    for (const [name, chunks] of contents) files[name] = await writeRecorded(join(partial, name), chunks);
    const { config: settings, data, validationLoss } = run;
    const more = { validation_loss: validationLoss, data, config: settings };
    const state = trainerStateOf(trainer.step, seed, more);
    await writeTrainerState(partial, state, files);
  });
}

/**
 * Restores parameters, moments, average and step of a trainer from a checkpoint. The trainer must have the options of the
 * one that wrote the checkpoint.
 * @throws DparError if the checkpoint is damaged, or of another model or seed; the trainer is then unchanged.
 */
export async function restoreTrainer(folder: string, trainer: RunTrainer): Promise<TrainerState> {
  checkArguments('restoreTrainer', { folder, trainer }, { folder: 'string', trainer: 'object' });

  const found = (await findFolder(folder)) ?? folder;
  const state = await verifyTrainerCheckpoint(found);
  await restoreVerified(found, state, trainer);
  return state;
}

/** Restores a trainer from a folder with verified files: see {@link restoreTrainer}. Tensors are read one at a time. */
export async function restoreVerified(folder: string, state: TrainerState, trainer: RunTrainer): Promise<void> {
  const { parameters, average, model, seed } = trainer;
  const config: unknown = JSON.parse(await readFile(join(folder, checkpointFiles.config), 'utf8'));
  const expected = { ...model.kind.writeConfig(model.config), seed };
  const changed = differences(expected, { ...Object(config), seed: state.seed }).filter(
    ({ key }) => key !== calibrated,
  );
  if (changed.length > 0) {
    throw new DparError(
      `restoreTrainer: expected a checkpoint of this model and seed in '${folder}', got ${formatDifferences(changed)}. ` +
        'Resume with the settings that the run was started with.',
    );
  }
  const sources: [string, Tensors<HostTensor>][] = [
    [checkpointFiles.model, parameters],
    [trainerFiles.optimizer, trainer.state()],
  ];
  if (average !== undefined) sources.push([trainerFiles.average, average]);
  for (const [name, targets] of sources) await readInto(join(folder, name), targets, 'check');
  for (const [name, targets] of sources) await readInto(join(folder, name), targets, 'read');
  trainer.resumeAt(state.step);
}

/** Key of config.json that each checkpoint calibrates anew. */
const calibrated = 'boundary_head.threshold';

/** Writes a file in chunks. @returns Its size and digest. */
async function writeRecorded(path: string, chunks: Iterable<Uint8Array>): Promise<FileRecord> {
  const hash = createHash('sha256');
  let bytes = 0;
  function* recorded(): Generator<Uint8Array> {
    for (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  await writeFileAtomic(path, recorded());
  return { bytes, sha256: hash.digest('hex') };
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** Checks that a file has float32 tensors of the names and shapes of `targets`, or reads them. */
async function readInto(path: string, targets: Tensors<HostTensor>, action: 'check' | 'read'): Promise<void> {
  const file = await openSafetensors(path);
  try {
    for (const [name, { shape, data }] of Object.entries(targets)) {
      const type = file.types.get(name);
      // A run in float32 has none. Its first scale is then the usual one.
      if (type === undefined && name === lossScalerName) continue;
      if (type?.dtype !== 'F32' || !sameShape(type.shape, shape)) {
        throw new DparError(
          `restoreTrainer: expected ${formatType({ dtype: 'float32', shape })} for '${name}' in '${path}', ` +
            `got ${type ? `${type.dtype}[${type.shape.join(', ')}]` : 'none'}. Use a checkpoint of this model.`,
        );
      }
      if (action === 'read') data.set(toHostTensor(await file.read(name), `'${name}'`).data);
    }
  } finally {
    await file.close();
  }
}

function checkFinite({ parameters, step }: RunTrainer): void {
  for (const [name, { data }] of Object.entries(parameters)) {
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += 0 * (data[i] as number); // NaN for infinity and NaN
    if (Number.isNaN(sum)) {
      const value = data.find((each) => !Number.isFinite(each));
      throw new DparError(
        `writeTrainerCheckpoint: expected finite parameters after step ${step}, got ${value} in '${name}'. ` +
          'No checkpoint is written. Lower the learning rate, or start from an earlier checkpoint.',
      );
    }
  }
}
