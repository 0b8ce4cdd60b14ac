import { appendFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@dpar/io/node';
import { initializeParameters } from '@dpar/nn';
import type { Engine } from '@dpar/tensor';
import { writeTrainerCheckpoint } from './checkpoint.js';
import { openTrainingData, type TrainingDataOptions } from './data/training-data.js';
import { metricsLine, type StepMetrics } from './metrics.js';
import { modelFromSettings } from './model-settings.js';
import { constantSchedule, cosineSchedule, type Schedule } from './schedule.js';
import type { TrainConfig } from './train-config.js';
import { Trainer } from './trainer.js';

/** Names in the output folder of a run. */
export const runFiles = { config: 'train.json', metrics: 'metrics.jsonl', checkpoint: 'last' } as const;

/**
 * Makes the trainer of a configuration: opens its data, computing entropies that are missing if it says how, and draws
 * initial parameters. Paths are relative to the working folder. The trainer's `dispose` closes the data.
 */
export async function createTrainer(
  engine: Engine,
  config: TrainConfig,
  options: TrainingDataOptions = {},
): Promise<Trainer> {
  const { data, dropout, optimizer } = config;
  const model = modelFromSettings(config.model, { bucketRatio: data.bucket_ratio });
  const entropyCheckpoint = data.entropy_checkpoint;
  const paths = { tokens: data.tokens, entropies: data.entropies, entropyCheckpoint };
  const training = await openTrainingData(engine, model, paths, options);
  const validation =
    data.validation === undefined
      ? undefined
      : await openTrainingData(
          engine,
          model,
          { tokens: data.validation, entropies: data.validation_entropies, entropyCheckpoint },
          options,
        );
  return new Trainer({
    engine,
    model,
    parameters: initializeParameters(model.specs, config.seed),
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
}

function scheduleOf({ optimizer, steps }: TrainConfig): Schedule {
  const { learning_rate: learningRate, warmup_steps: warmupSteps, final_fraction: finalFraction } = optimizer;
  return optimizer.schedule === 'constant'
    ? constantSchedule(learningRate)
    : cosineSchedule({ learningRate, steps, warmupSteps, finalFraction });
}

/** What a run tells before its first step. */
export interface TrainHooks {
  /** How far the preparation of the data is. */
  readonly onData?: TrainingDataOptions['onProgress'];
  /** The data are ready. */
  readonly onStart?: (() => void) | undefined;
}

/**
 * Trains as a configuration says and writes its output folder: `train.json` (the configuration with all defaults),
 * `metrics.jsonl` (a line for each step, as it is done) and at the end `last/`, a checkpoint that other commands read too.
 * An aborted signal ends the run after a whole step, with its checkpoint.
 * @yields The metrics of each step.
 */
export async function* train(
  engine: Engine,
  config: TrainConfig,
  signal?: AbortSignal,
  { onData, onStart }: TrainHooks = {},
): AsyncGenerator<StepMetrics> {
  const trainer = await createTrainer(engine, config, { signal, onProgress: onData });
  onStart?.();
  await mkdir(config.output, { recursive: true });
  await writeFileAtomic(join(config.output, runFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  const metricsPath = join(config.output, runFiles.metrics);
  await rm(metricsPath, { force: true });
  try {
    for await (const metrics of trainer.run(signal)) {
      await appendFile(metricsPath, metricsLine(metrics));
      yield metrics;
    }
  } finally {
    if (trainer.step > 0) await writeTrainerCheckpoint(join(config.output, runFiles.checkpoint), trainer);
    await trainer.dispose();
  }
}
