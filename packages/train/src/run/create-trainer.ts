import type { ClassNames } from '@dpar/io/node';
import { initializeParameters, nullClassOf } from '@dpar/nn';
import { type Engine, named } from '@dpar/tensor';
import { checkBatch } from '../batches/check-set.js';
import { isTokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { classesOfData } from '../disk/class-names.js';
import { openTrainingData, type TrainingDataOptions, trainingDataOptionsKinds } from '../disk/training-data.js';
import { createOptimizerThreadFor } from '../optimizer/thread.js';
import { trainedParameters } from '../step/trained.js';
import type { RunTrainer } from '../trainer/run-trainer.js';
import { Trainer } from '../trainer/trainer.js';
import { scheduleOf } from './config-keys.js';
import { type RunDataOptions, tokenizerTrainer } from './create-tokenizer-trainer.js';
import { dataIdentity, sampleOf } from './data-identity.js';
import { architectureFromSettings, initializeNarrow } from './model-settings.js';
import { type StartAccount, startingParameters } from './starting-parameters.js';
import {
  type ImageModelTrainConfig,
  imageModelConfig,
  isTokenizerConfig,
  parseTrainConfig,
  type TrainConfig,
} from './train-config.js';

/**
 * Creates the trainer of a configuration: opens its data, computes missing entropies if the configuration names an entropy
 * model, and draws initial parameters or reads those of `init_from`. Paths are relative to the working folder. The trainer's `dispose` closes the data.
 *
 * @throws DparError if the configuration is invalid, or if data or checkpoints do not fit it.
 */
export async function createTrainer(
  engine: Engine,
  config: TrainConfig,
  options: TrainingDataOptions = {},
): Promise<Trainer> {
  checkArguments(
    'createTrainer',
    { engine, config, options },
    { engine: 'Engine', config: 'object', 'options?': trainingDataOptionsKinds },
  );
  const valid = imageModelConfig('createTrainer', parseTrainConfig('createTrainer', config));
  return (await imageModelTrainer(engine, valid, options, false)).trainer;
}

/** A trainer of a run, and what the run records of its data. */
export interface TrainerOfRun {
  readonly trainer: RunTrainer;
  /** Names of the classes, if the data have them. */
  readonly classes?: ClassNames | undefined;
  /** Digests of the data, by the configuration's keys. */
  readonly data: Readonly<Record<string, string>>;
  /** Weights that it starts from, with `init_from`. */
  readonly start?: StartAccount | undefined;
}

/**
 * The trainer of a valid configuration.
 * @param resumes Leaves out the weights of `init_from`, since a checkpoint of the run takes their place.
 */
export async function trainerOf(
  engine: Engine,
  config: TrainConfig,
  options: RunDataOptions,
  resumes: boolean,
): Promise<TrainerOfRun> {
  if (isTokenizerConfig(config)) {
    return tokenizerTrainer(engine, config, options, resumes);
  }
  const { onNote: _, features: __, ...dataOptions } = options;
  const { trainer, classes, start } = await imageModelTrainer(engine, config, dataOptions, resumes);
  return { trainer, classes, start, data: await dataIdentity(trainer.options.data, trainer.options.validation) };
}

async function imageModelTrainer(
  engine: Engine,
  config: ImageModelTrainConfig,
  options: TrainingDataOptions,
  resumes: boolean,
): Promise<Omit<TrainerOfRun, 'data'> & { readonly trainer: Trainer }> {
  const { data, dropout, optimizer, seed } = config;
  const architecture = architectureFromSettings(config.model);
  const classes = await classesOfData(data, nullClassOf(architecture));

  const open = async (name: string, tokens: string, entropies: string | undefined, patchCounts = true) => {
    const paths = { tokens, entropies, entropyCheckpoint: data.entropy_checkpoint };
    const opened = await openTrainingData(engine, architecture, paths, { ...options, patchCounts });
    return { ...opened, name };
  };
  const counted = config.train === 'boundary_head' ? false : options.patchCounts;
  const training = await open('training data', data.tokens, data.entropies, counted);
  const validation =
    data.validation === undefined
      ? undefined
      : await open('validation data', data.validation, data.validation_entropies, false);
  // Each batch is checked when it is loaded. Faults of all images should appear before the first step.
  for (const opened of [training, validation]) {
    if (opened === undefined || !isTokenSource(opened.data)) continue;
    checkBatch(architecture, await sampleOf(opened.data), opened.data, opened.name);
  }

  const initialize = config.initialization === 'narrow' ? initializeNarrow : initializeParameters;
  const drawn = initialize(architecture.kind.specs(architecture.config), seed);
  const trainedNames = trainedParameters(architecture, config.train);
  const initFrom = resumes ? undefined : config.init_from;
  const own = { drawn, classes: classes?.names, trained: new Set(trainedNames) };
  const { parameters, account: start } = await startingParameters(initFrom, architecture, own);
  const trained = trainedNames.map((name) => [name, named(parameters, name)] as const);
  const trainer = new Trainer({
    engine,
    model: { ...architecture, parameters },
    data: training.data,
    patchCounts: training.patchCounts,
    prefetchBatches: data.prefetch_batches,
    windowBatches: data.window_batches,
    bucketRatio: data.bucket_ratio,
    classDropout: data.class_dropout,
    validation: validation?.data,
    validateEvery: config.validate_every ?? undefined,
    steps: config.steps,
    batchSize: config.batch_size,
    accumulationSteps: config.accumulation_steps,
    recomputeBlocks: config.recompute_blocks,
    seed,
    trained: config.train,
    tokenNoise: config.token_noise,
    dropout: { token: dropout.token, residual: dropout.residual, feedForward: dropout.feed_forward },
    optimizer: { betas: optimizer.betas, epsilon: optimizer.epsilon, weightDecay: optimizer.weight_decay },
    optimizerThread: engine.hasDeviceMemory ? undefined : createOptimizerThreadFor(Object.fromEntries(trained)),
    maxGradientNorm: optimizer.max_gradient_norm,
    averageDecay: optimizer.average_decay ?? undefined,
    schedule: scheduleOf(config),
  });
  return { trainer, classes, start };
}
