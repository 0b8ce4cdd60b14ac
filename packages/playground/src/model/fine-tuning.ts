import { boundaryPatching } from '@dpar/model';
import { hasNullClass, type Model } from '@dpar/nn';
import { createSampler } from '@dpar/sampler';
import { type Engine, float32, int32 } from '@dpar/tensor';
import { copyParameters, cosineSchedule, type TokenSet, Trainer } from '@dpar/train';
import type { Analyser, Analysis } from './analyser.js';
import { type DrawOptions, sampleOptions } from './drawing.js';
import { drawingSource } from './entropy-source.js';
import type { Models } from './open-model.js';
import { tuningBatch } from './tuning-memory.js';

/** Settings of fine-tuning. */
export interface TuningSettings {
  /** Number of training steps. */
  readonly steps: number;
  /** Highest learning rate. It rises over the first steps and falls to a tenth. */
  readonly learningRate: number;
  /** Settings of the samples, and seed of the order of the pictures. */
  readonly drawing: Pick<DrawOptions, 'guidanceScale' | 'temperature' | 'topP' | 'seed'>;
}

/** A model with the sampled images of its class. */
export interface Samples {
  /** Finished steps; 0 before the first. */
  readonly step: number;
  /** Images, each [S, S, 3]. They have the same random numbers at all steps. */
  readonly images: readonly Uint8Array[];
}

/** Progress of fine-tuning. */
export type TuningProgress =
  /** Begins to draw samples. */
  | { readonly kind: 'drawing'; readonly step: number }
  | ({ readonly kind: 'samples' } & Samples)
  /** Finished a step. */
  | {
      readonly kind: 'step';
      /** Counted from 1. */
      readonly step: number;
      /** Nats per token, mean over the batch. */
      readonly loss: number;
      /** Time of the step. */
      readonly seconds: number;
    };

/** Data of fine-tuning. */
export interface TuningInputs {
  /** Engine of the training steps. */
  readonly trainer: Engine;
  /** Engine of the samples. */
  readonly sampler: Engine;
  /** The model. Its parameters do not change. */
  readonly model: Models['dpar'];
  /** Entropy model of a DPAR without a boundary head. */
  readonly entropyModel?: Models['entropy'] | undefined;
  readonly analyser: Analyser;
  /** The pictures. */
  readonly analyses: readonly Analysis[];
  /** Class of all pictures. */
  readonly label: number;
}

/** Sampled images at a time. */
export const sampledImages = 4;

/** Number of times at which samples are drawn after the first step, evenly spaced. */
const samplings = 3;

/** Steps after which samples are drawn: before the first, between, and after the last. */
export function samplingSteps(steps: number): number[] {
  const times = Array.from({ length: samplings + 1 }, (_, i) => Math.round((steps * i) / samplings));
  return [...new Set(times)];
}

/** The picture with left and right exchanged. @param pixels [S, S, 3] */
export function mirrored(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = Math.sqrt(pixels.length / 3);
  return new Uint8Array(pixels.length).map((_, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const column = pixel % size;
    return pixels[3 * (pixel - column + size - 1 - column) + channel] as number;
  });
}

/** Share of the highest learning rate at the end. */
const finalFraction = 0.1;

/** Steps of the warm-up, as the optimizer's moments begin at zero. */
const warmupSteps = 5;

/**
 * Trains a copy of a DPAR on pictures of one class, and draws images of that class before, between and after. The boundary head and
 * what it reads stay as they are, so that the entropies of all pictures do too.
 * @param signal Ends training after a whole step. Images of that step follow.
 * @returns The trained model.
 * @throws DparError if the loss is no longer a number; Error for a model that is too large.
 */
export async function* fineTune(
  inputs: TuningInputs,
  { steps, learningRate, drawing }: TuningSettings,
  signal: AbortSignal,
): AsyncGenerator<TuningProgress, Models['dpar']> {
  const { model, label } = inputs;
  const { config } = model;
  const batchSize = tuningBatch(config);
  if (batchSize === undefined) throw new Error('This model is too large to be fine-tuned in a page. Use dpar train.');
  const samples = async function* (
    step: number,
    { parameters }: Pick<Model, 'parameters'>,
  ): AsyncGenerator<TuningProgress> {
    yield { kind: 'drawing', step };
    yield { kind: 'samples', step, images: await draw(inputs, { ...model, parameters }, drawing) };
  };
  const isHeaded = drawingSource(config) === 'head';
  // Patches as it draws them: those of the head have a threshold of their own.
  const { threshold } = isHeaded ? boundaryPatching(config) : config.patching;
  const patched = { ...config, patching: { ...config.patching, threshold: threshold ?? null } };
  const trainer = new Trainer({
    engine: inputs.trainer,
    model: { ...model, config: patched, parameters: copyParameters(model.parameters) },
    data: tokenSet(inputs.analyses, label),
    steps,
    batchSize,
    seed: drawing.seed,
    // Sorted by patches, batches of so few pictures would have one of them many times.
    windowBatches: 1,
    schedule: cosineSchedule({ learningRate, steps, warmupSteps: Math.min(warmupSteps, steps - 1), finalFraction }),
    trained: isHeaded ? 'except_boundary_head' : 'all',
    ...(!hasNullClass(config) && { classDropout: 0 }),
  });
  try {
    yield* samples(0, model);
    const due = samplingSteps(steps);
    for await (const { step, loss, seconds } of trainer.run(signal)) {
      yield { kind: 'step', step, loss, seconds };
      if (due.includes(step)) yield* samples(step, trainer);
    }
    if (!due.includes(trainer.step)) yield* samples(trainer.step, trainer);
    return { ...model, parameters: { ...trainer.parameters } };
  } finally {
    await trainer.dispose();
  }
}

/** Draws images of the class. @returns Images, each [S, S, 3]. */
async function draw(
  { sampler: engine, entropyModel, analyser, label }: TuningInputs,
  model: Models['dpar'],
  drawing: TuningSettings['drawing'],
): Promise<Uint8Array[]> {
  const sampler = createSampler(engine, model, { entropyModel });
  try {
    const options = sampleOptions({ ...drawing, label, prefix: new Int32Array() });
    const { tokens } = await sampler.generate({ ...options, labels: new Array<number>(sampledImages).fill(label) });
    const T = model.config.blockSize;
    const images: Uint8Array[] = [];
    for (let i = 0; i < sampledImages; i++) images.push(await analyser.decode(tokens.slice(i * T, (i + 1) * T)));
    return images;
  } finally {
    await sampler.dispose();
  }
}

/** The pictures as a set in memory, all of one class. */
function tokenSet(analyses: readonly Analysis[], label: number): TokenSet {
  const N = analyses.length;
  const T = analyses[0]?.tokens.length ?? 0;
  const set = { tokens: int32([N, T]), labels: int32([N]), entropies: float32([N, T - 1]) };
  for (const [i, { tokens, entropies }] of analyses.entries()) {
    set.tokens.data.set(tokens, i * T);
    set.entropies.data.set(entropies, i * (T - 1));
  }
  set.labels.data.fill(label);
  return set;
}
