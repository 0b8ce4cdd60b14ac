import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { lockFolder, makeFolder, writeJson } from '@dpar/io/node';
import { initializeParameters, nullClassOf } from '@dpar/nn';
import type { Engine } from '@dpar/tensor';
import { checkBatch } from '../batches/check-set.js';
import { isTokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { type ClassNames, checkSameClasses, classesOfData, readCheckpointClasses } from '../disk/class-names.js';
import { openTrainingData, type TrainingDataOptions, trainingDataOptionsKinds } from '../disk/training-data.js';
import { constantSchedule, cosineSchedule, type Schedule } from '../optimizer/schedule.js';
import { optimizerThreadFor } from '../optimizer/thread.js';
import { initializeNarrow } from '../step/initialize-narrow.js';
import type { StepMetrics } from '../trainer/metrics.js';
import { Trainer } from '../trainer/trainer.js';
import { restoreVerified } from './checkpoint.js';
import { dataIdentity, sampleOf } from './data-identity.js';
import { MetricsFile } from './metrics-file.js';
import { architectureFromSettings } from './model-settings.js';
import { openRunFolder } from './open-run.js';
import { checkResumable, recordedConfig } from './resume-settings.js';
import { RunCheckpoints, runFiles } from './run-folder.js';
import { parseTrainConfig, type TrainConfig } from './train-config.js';

/**
 * Makes the trainer of a configuration: opens its data, computing entropies that are missing if it says how, and draws
 * initial parameters. Paths are relative to the working folder. The trainer's `dispose` closes the data.
 *
 * @throws DparError for a configuration, data or checkpoint that do not fit together, naming which.
 */
export async function createTrainer(
  engine: Engine,
  config: TrainConfig,
  options: TrainingDataOptions = {},
): Promise<Trainer> {
  checkArguments(
    'createTrainer',
    { engine, config, options },
    {
      engine: 'Engine',
      config: 'object',
      'options?': trainingDataOptionsKinds,
    },
  );
  return (await makeTrainer(engine, parseTrainConfig('createTrainer', config), options)).trainer;
}

/** The trainer of a configuration, and the names of its classes where the data have them. */
async function makeTrainer(
  engine: Engine,
  config: TrainConfig,
  options: TrainingDataOptions,
): Promise<{ trainer: Trainer; classes: ClassNames | undefined }> {
  const { data, dropout, optimizer } = config;
  const architecture = architectureFromSettings(config.model);
  const classes = await classesOfData(data, nullClassOf(architecture));
  const entropyCheckpoint = data.entropy_checkpoint;
  const paths = { tokens: data.tokens, entropies: data.entropies, entropyCheckpoint };
  const training = await openTrainingData(engine, architecture, paths, options);
  const validation =
    data.validation === undefined
      ? undefined
      : await openTrainingData(
          engine,
          architecture,
          { tokens: data.validation, entropies: data.validation_entropies, entropyCheckpoint },
          { ...options, patchCounts: false },
        );
  // Each batch is checked when it is loaded; what is wrong everywhere is to be found before the first step.
  for (const [name, source] of [
    ['training data', training.data],
    ['validation data', validation?.data],
  ] as const) {
    if (source !== undefined && isTokenSource(source)) checkBatch(architecture, await sampleOf(source), source, name);
  }
  const initialize = config.initialization === 'narrow' ? initializeNarrow : initializeParameters;
  const parameters = initialize(architecture.kind.specs(architecture.config), config.seed);
  const trainer = new Trainer({
    engine,
    model: { ...architecture, parameters },
    bucketRatio: data.bucket_ratio,
    optimizerThread: optimizerThreadFor(parameters),
    ...training,
    prefetchBatches: data.prefetch_batches,
    validation: validation?.data,
    steps: config.steps,
    batchSize: config.batch_size,
    seed: config.seed,
    schedule: scheduleOf(config),
    optimizer: { betas: optimizer.betas, epsilon: optimizer.epsilon, weightDecay: optimizer.weight_decay },
    maxGradientNorm: optimizer.max_gradient_norm,
    classDropout: data.class_dropout,
    dropout: { token: dropout.token, residual: dropout.residual, feedForward: dropout.feed_forward },
    accumulationSteps: config.accumulation_steps,
    recomputeBlocks: config.recompute_blocks,
    averageDecay: optimizer.average_decay ?? undefined,
    validateEvery: config.validate_every ?? undefined,
    windowBatches: data.window_batches,
  });
  return { trainer, classes };
}

function scheduleOf({ optimizer, steps }: TrainConfig): Schedule {
  const { learning_rate: learningRate, warmup_steps: warmupSteps, final_fraction: finalFraction } = optimizer;
  return optimizer.schedule === 'constant'
    ? constantSchedule(learningRate)
    : cosineSchedule({ learningRate, steps, warmupSteps, finalFraction });
}

const resumeRemedy = 'Go on with the data that the run was started with, or choose another output.';

/** How {@link train} runs, and whom it tells what. */
export interface TrainOptions {
  /** Ends the run after a whole step, with its checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Goes on from the newest checkpoint in the output folder; without one, from the beginning. */
  readonly resume?: boolean | undefined;
  /** How far the preparation of the data is. */
  readonly onData?: TrainingDataOptions['onProgress'];
  /** A sentence for people: where the run goes on, and what of an earlier run is damaged. */
  readonly onNote?: (text: string) => void;
  /** Before the first step, with the number of steps that are done already, and the trainer, to look at between steps. */
  readonly onStart?: (step: number, trainer: Trainer) => void;
  /** After each checkpoint, with the seconds that it took. */
  readonly onCheckpoint?: (checkpoint: { step: number; folder: string; seconds: number }) => void;
}

const trainOptionsKinds: KindsOf<TrainOptions> = {
  'signal?': 'AbortSignal',
  'resume?': 'boolean',
  'onData?': 'function',
  'onNote?': 'function',
  'onStart?': 'function',
  'onCheckpoint?': 'function',
};

/**
 * Trains as a configuration says and writes its output folder: `train.json` (the configuration with all defaults),
 * `metrics.jsonl` (a line for each step, as it is done), `checkpoints/step-000500/` and so on as the configuration says,
 * one always at the end, and `last/` and `best/`, which other commands read: see the README. A run that is
 * stopped in whatever way and resumed writes the same bytes as one that never stopped, but for the times in
 * `metrics.jsonl`. After an error in a step no checkpoint is written, since what led to it may be wrong already.
 * @returns The metrics of each step, as they come.
 * @throws DparError if another process trains into the folder; if the folder holds a run and `resume` is not set; if
 * settings or data are not those of the run that is resumed; if a loss is not finite.
 */
export function train(engine: Engine, config: TrainConfig, options: TrainOptions = {}): AsyncGenerator<StepMetrics> {
  checkArguments(
    'train',
    { engine, config, options },
    {
      engine: 'Engine',
      config: 'object',
      'options?': trainOptionsKinds,
    },
  );
  return trainWith(engine, parseTrainConfig('train', config), options);
}

async function* trainWith(engine: Engine, config: TrainConfig, options: TrainOptions): AsyncGenerator<StepMetrics> {
  const { signal, resume = false, onStart, onCheckpoint } = options;
  const { output } = config;
  const lock = await lockFolder(output);
  let opened: Trainer | undefined;
  let metricsFile: MetricsFile | undefined;
  try {
    const whole = await openRunFolder(output, resume, options.onNote);
    const { trainer, classes } = await makeTrainer(engine, config, { signal, onProgress: options.onData });
    opened = trainer;
    const { data: training, validation } = trainer.options;
    const data = await dataIdentity({ training, validation });
    if (whole !== undefined) {
      checkSameClasses(await readCheckpointClasses(whole.folder), classes, resumeRemedy);
      checkResumable(config, data, whole.state);
      await restoreVerified(whole.folder, whole.state, trainer);
      options.onNote?.(`goes on from step ${trainer.step} in '${whole.folder}'`);
    }
    const record = { config: recordedConfig(config), data, classes: classes?.names };
    const checkpoints = new RunCheckpoints(output, config.checkpoints, record);
    /** Writes what every run has. A new run does so after its first step: one that fails before leaves the folder as it was. */
    const begin = async (): Promise<MetricsFile> => {
      await makeFolder(join(output, runFiles.checkpoints));
      await writeJson(join(output, runFiles.config), config);
      return MetricsFile.open(join(output, runFiles.metrics), whole === undefined ? 0 : trainer.step);
    };
    if (whole !== undefined) {
      metricsFile = await begin();
      await checkpoints.continueFrom(whole);
    }
    const write = async (validationLoss?: number): Promise<void> => {
      const before = performance.now();
      await metricsFile?.sync();
      const folder = await checkpoints.write(trainer, validationLoss);
      onCheckpoint?.({ step: trainer.step, folder, seconds: (performance.now() - before) / 1000 });
    };
    onStart?.(trainer.step, trainer);
    let validationLoss: number | undefined;
    for await (const metrics of trainer.run(signal)) {
      metricsFile ??= await begin();
      await metricsFile.append(metrics);
      if (checkpoints.isDue(metrics)) await write(metrics.validationLoss);
      let stopped = true;
      try {
        yield metrics;
        stopped = false;
      } finally {
        // Whoever reads the metrics wants no more of them.
        if (stopped && trainer.step > checkpoints.step) await write(metrics.validationLoss);
      }
      validationLoss = metrics.validationLoss;
    }
    if (trainer.step > checkpoints.step) await write(validationLoss);
  } finally {
    await metricsFile?.close();
    await opened?.dispose();
    await lock.release();
  }
}
