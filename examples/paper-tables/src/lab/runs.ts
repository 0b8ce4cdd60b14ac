import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeJson } from '@dpar/io/node';
import { median, parseMetrics } from '@dpar/report';
import { readTrainConfig } from '@dpar/train';
import { readTrainerState, runFiles, train } from '@dpar/train/node';
import { type CurvePoint, validationCurve } from '../../../emoji/src/learning/curve.js';
import { trainingCost } from '../plan/costs.js';
import type { TrainingSize } from '../plan/sizes.js';
import { digestOf } from './cache.js';
import type { Lab } from './lab.js';

/** A model that was trained. */
export interface Run {
  readonly name: string;
  /** Output folder of the run. */
  readonly folder: string;
  /** Of the configuration and the data. */
  readonly identity: string;
  readonly steps: number;
  /** Nats per token, after the last step. */
  readonly validationLoss: number;
  readonly curve: readonly CurvePoint[];
  /** Median of the steps. */
  readonly stepSeconds: number;
}

/** What is trained: the keys of a configuration of `dpar train`, without steps, data and output. */
export interface Recipe {
  readonly name: string;
  /** Steps and images of each, and what they should cost. */
  readonly size: TrainingSize;
  readonly keys: Readonly<Record<string, unknown>>;
  /** Files of the data with the digests of their content. */
  readonly data: { readonly train: DataFile; readonly validation: DataFile };
  /** Further keys of `data`. */
  readonly dataKeys?: Readonly<Record<string, unknown>>;
}

export interface DataFile {
  readonly path: string;
  readonly digest: string;
}

/** Folder of training runs in the cache. */
export const runsKind = 'runs';

/** Folder of the checkpoint at the end of a run. */
export const lastCheckpoint = (run: Run): string => join(run.folder, runFiles.last);

/**
 * Trains as a recipe says, from its last checkpoint if it was interrupted; what was trained before is only read. The run is
 * found by a digest of configuration and data, whatever its name.
 */
export async function trainOnce(lab: Lab, { name, size, keys, data, dataKeys }: Recipe): Promise<Run> {
  const config = { ...keys, steps: size.steps, batch_size: size.batchSize };
  const identity = digestOf([config, dataKeys, data.train.digest, data.validation.digest]);
  const output = await lab.cache.place(runsKind, identity);
  const json = {
    ...config,
    data: { tokens: data.train.path, validation: data.validation.path, ...dataKeys },
    output,
  };
  const { steps } = size;
  const work = { kind: runsKind, identity, name, total: steps, cost: trainingCost(size) };
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
  return {
    name,
    folder: output,
    identity,
    steps,
    validationLoss: validationLoss ?? Number.NaN,
    curve: validationCurve(metrics, 0),
    stepSeconds: median(metrics.map(({ seconds = Number.NaN }) => seconds)),
  };
}

async function stepsDone(output: string): Promise<number> {
  const last = join(output, runFiles.last);
  return existsSync(last) ? (await readTrainerState(last)).step : 0;
}
