import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import type { FeatureNetwork } from '@dpar/eval';
import { lockFolder, makeFolder, readCheckpointClasses, writeJson } from '@dpar/io/node';
import type { Engine } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { checkSameClasses } from '../disk/class-names.js';
import type { TrainingDataOptions } from '../disk/training-data.js';
import type { StepMetrics } from '../trainer/metrics.js';
import type { RunTrainer } from '../trainer/run-trainer.js';
import { restoreVerified } from './checkpoint.js';
import { trainerOf } from './create-trainer.js';
import { MetricsFile } from './metrics-file.js';
import { checkResumable, recordedConfig } from './resume-settings.js';
import { openRunFolder, RunCheckpoints, runFiles } from './run-folder.js';
import { describeStart, startIdentity } from './starting-parameters.js';
import { parseTrainConfig, type TrainConfig } from './train-config.js';

/** Options of {@link train}. */
export interface TrainOptions {
  /** Ends the run after a whole step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Resumes from the newest checkpoint in the output folder; without one, starts from the beginning. */
  readonly resume?: boolean | undefined;
  /** The network that `features` of a tokenizer's configuration names. It is not disposed of. */
  readonly features?: FeatureNetwork | undefined;
  /** Called with the progress of preparing the data. */
  readonly onData?: TrainingDataOptions['onProgress'];
  /** Called with sentences for people: the step at which the run resumes, a damaged checkpoint, the weights it starts from. */
  readonly onNote?: (text: string) => void;
  /**
   * Called before the first step with the number of finished steps, and with the trainer, to inspect between steps. The steps wait for
   * its end.
   */
  readonly onStart?: (step: number, trainer: RunTrainer) => void | Promise<void>;
  /** Called after each checkpoint, with the seconds that it took. */
  readonly onCheckpoint?: (checkpoint: { step: number; folder: string; seconds: number }) => void;
}

const trainOptionsKinds: KindsOf<TrainOptions> = {
  'signal?': 'AbortSignal',
  'resume?': 'boolean',
  'features?': 'object',
  'onData?': 'function',
  'onNote?': 'function',
  'onStart?': 'function',
  'onCheckpoint?': 'function',
};

/**
 * Trains a model from a configuration and writes the output folder:
 * - `train.json`: the configuration with all defaults;
 * - `metrics.jsonl`: one line per step;
 * - `starts-from.json` with `init_from`: a {@link StartAccount};
 * - `checkpoints/step-000500/` and so on, at the configured steps and at the end;
 * - `last/` and `best/`: checkpoints for other commands.
 *
 * A run that is interrupted in any way and resumed writes the same bytes as an uninterrupted run, apart from the times in
 * `metrics.jsonl`. After an error in a step no checkpoint is written, because the state may already be invalid.
 * @returns The metrics of each step.
 * @throws DparError if another process trains into the folder; if the folder holds a run and `resume` is not set; if
 * settings or data differ from those of the resumed run; if a loss is not finite.
 */
export function train(engine: Engine, config: TrainConfig, options: TrainOptions = {}): AsyncGenerator<StepMetrics> {
  checkArguments(
    'train',
    { engine, config, options },
    { engine: 'Engine', config: 'object', 'options?': trainOptionsKinds },
  );
  return trainWith(engine, parseTrainConfig('train', config), options);
}

const resumeRemedy = 'Resume with the data that the run was started with, or choose another output.';

async function* trainWith(engine: Engine, config: TrainConfig, options: TrainOptions): AsyncGenerator<StepMetrics> {
  const { signal, resume = false, features, onData, onNote, onStart, onCheckpoint } = options;
  const { output } = config;
  const lock = await lockFolder(output);
  let opened: RunTrainer | undefined;
  let metricsFile: MetricsFile | undefined;
  try {
    // The state of the run: new, or from its newest checkpoint.
    const checkpoint = await openRunFolder(output, resume, onNote);
    const {
      trainer,
      classes,
      data: dataDigests,
      start,
    } = await trainerOf(engine, config, { signal, onProgress: onData, onNote, features }, checkpoint !== undefined);
    opened = trainer;
    const data = { ...dataDigests, ...(await startIdentity(config.init_from, checkpoint?.state)) };
    if (checkpoint !== undefined) {
      checkSameClasses(await readCheckpointClasses(checkpoint.folder), classes, resumeRemedy);
      checkResumable(config, data, checkpoint.state);
      await restoreVerified(checkpoint.folder, checkpoint.state, trainer);
      onNote?.(`resumes from step ${trainer.step} in '${checkpoint.folder}'`);
    }

    if (start !== undefined) for (const line of describeStart(start)) onNote?.(line);

    // The files of the run. A new run writes them after its first step: if it fails earlier, the folder stays as it was.
    const record = { config: recordedConfig(config), data, classes: classes?.names };
    const checkpoints = new RunCheckpoints(output, config.checkpoints, record);
    const openFiles = async (): Promise<MetricsFile> => {
      await makeFolder(join(output, runFiles.checkpoints));
      await writeJson(join(output, runFiles.config), config);
      if (start !== undefined) await writeJson(join(output, runFiles.start), start);
      return MetricsFile.open(join(output, runFiles.metrics), checkpoint === undefined ? 0 : trainer.step);
    };
    const writeCheckpoint = async (validationLoss?: number): Promise<void> => {
      const before = performance.now();
      await metricsFile?.sync();
      const folder = await checkpoints.write(trainer, validationLoss);
      onCheckpoint?.({ step: trainer.step, folder, seconds: (performance.now() - before) / 1000 });
    };
    if (checkpoint !== undefined) {
      metricsFile = await openFiles();
      await checkpoints.continueFrom(checkpoint);
    }

    // The steps.
    await onStart?.(trainer.step, trainer);
    let validationLoss: number | undefined;
    for await (const metrics of trainer.run(signal)) {
      metricsFile ??= await openFiles();
      await metricsFile.append(metrics);
      validationLoss = metrics.validationLoss;
      if (checkpoints.isDue(metrics)) await writeCheckpoint(validationLoss);
      let stopped = true;
      try {
        yield metrics;
        stopped = false;
      } finally {
        // The reader of the metrics stops the run.
        if (stopped && trainer.step > checkpoints.step) await writeCheckpoint(validationLoss);
      }
    }
    if (trainer.step > checkpoints.step) await writeCheckpoint(validationLoss);
  } finally {
    await metricsFile?.close();
    await opened?.dispose();
    await lock.release();
  }
}
