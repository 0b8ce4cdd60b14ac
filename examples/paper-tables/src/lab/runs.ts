import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CurvePoint, validationCurve } from '@dpar/example-kit';
import { makeFolder, writeJson } from '@dpar/io/node';
import { parseMetrics } from '@dpar/report';
import { readTrainConfig } from '@dpar/train';
import { readTrainerState, runFiles, train } from '@dpar/train/node';
import { digestOf } from './cache.js';
import { trainingCost } from './costs.js';
import type { Lab } from './lab.js';
import type { TrainingSize } from './sizes.js';

/** A trained model. */
export interface Run {
  readonly name: string;
  /** Output folder of the run. */
  readonly folder: string;
  /** Digest of the configuration and the data. */
  readonly identity: string;
  readonly steps: number;
  /** Nats per token, after the last step. */
  readonly validationLoss: number;
  readonly curve: readonly CurvePoint[];
}

/** A file with the digest of its content. */
export interface DataFile {
  readonly path: string;
  readonly digest: string;
}

/** A training run: keys of a configuration of `dpar train`, without steps, data and output. */
interface RunRecipe {
  readonly name: string;
  readonly size: TrainingSize;
  readonly keys: Readonly<Record<string, unknown>>;
  readonly data: { readonly train: DataFile; readonly validation: DataFile };
  /** Run whose last weights this one starts from. */
  readonly initFrom?: Run;
  /** Further keys of `data`. */
  readonly dataKeys?: Readonly<Record<string, unknown>>;
}

/** Folder of the checkpoint at the end of a run. */
export const lastCheckpoint = (run: Run): string => join(run.folder, runFiles.last);

/**
 * Trains a model, from its last checkpoint if it was interrupted. A finished run is only read. Runs are found by a digest
 * of configuration and data, regardless of their names.
 */
export async function trainOnce(lab: Lab, { name, size, keys, data, initFrom, dataKeys }: RunRecipe): Promise<Run> {
  const { steps } = size;
  const config = { ...keys, steps, batch_size: size.batchSize };
  const start = initFrom && [initFrom.identity];
  const identity = digestOf([config, dataKeys, data.train.digest, data.validation.digest, ...(start ?? [])]);
  const output = await lab.cache.place('runs', identity);
  const files = { tokens: data.train.path, validation: data.validation.path, ...dataKeys };
  const json = { ...config, data: files, output, ...(initFrom && { init_from: lastCheckpoint(initFrom) }) };
  const work = { kind: 'runs', identity, name, total: steps, cost: trainingCost(size) };
  await lab.work.ensure(work, (await stepsDone(output)) >= steps, async (progress) => {
    let validation = '';
    await makeFolder(output);
    await writeJson(join(output, 'recipe.json'), { name, ...json });
    for await (const { step, loss, validationLoss } of train(lab.engine, readTrainConfig(json), { resume: true })) {
      if (validationLoss !== undefined) validation = ` (validation ${validationLoss.toFixed(3)})`;
      progress.update(step, `loss ${loss.toFixed(3)}${validation}`);
    }
  });
  const metrics = parseMetrics(await readFile(join(output, runFiles.metrics), 'utf8'));
  const { validation_loss: validationLoss } = await readTrainerState(join(output, runFiles.last));
  const curve = validationCurve(metrics, 0);
  return { name, folder: output, identity, steps, validationLoss: validationLoss ?? Number.NaN, curve };
}

async function stepsDone(output: string): Promise<number> {
  const last = join(output, runFiles.last);
  return existsSync(last) ? (await readTrainerState(last)).step : 0;
}
