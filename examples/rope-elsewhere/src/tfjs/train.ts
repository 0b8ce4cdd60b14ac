import * as tf from '@tensorflow/tfjs';
import type { Settings, Size, Variant } from '../variants.js';
import { type Batch, batchOf, drawBatches } from '../vision/batch.js';
import { type Digits, scatter, select } from '../vision/digits.js';
import { learnedWeights, rotaryTable } from '../vision/positions.js';
import { randomNumbers } from '../vision/random.js';
import { patchSize, type Tokens, tokenize, windowSize } from '../vision/tokens.js';
import { toRotation } from './rotary.js';
import { classify, createWeights, type Input, type TransformerConfig, type Weights } from './transformer.js';

const sizes = { inputs: windowSize ** 2, stem: 48, width: 32, layers: 2, heads: 1, headDim: 32, feedForward: 64 };

/** Adam with a learning rate that changes from step to step. */
class ScheduledAdam extends tf.AdamOptimizer {
  constructor(private readonly peakRate: number) {
    super(peakRate, 0.9, 0.99, 1e-8);
  }

  /** Sets the rate of a step 0 .. steps - 1: a rise over 50 steps, times a linear decay to 0. */
  schedule(step: number, steps: number): void {
    this.learningRate = this.peakRate * Math.min(1, (step + 1) / 50) * (1 - step / steps);
  }
}

/** A trained variant. */
export interface Trained {
  readonly variant: Variant;
  readonly settings: Settings;
  readonly config: TransformerConfig;
  readonly weights: Weights;
  /** Mean tokens of a training picture, without padding. */
  readonly meanTokens: number;
  /** Cross-entropy of each step in nats. */
  readonly losses: readonly number[];
  readonly cpuSeconds: number;
}

/** Trains one variant. A seed determines the places of the digits and the initial weights. */
export function train(variant: Variant, settings: Settings, digits: Digits, seed: number): Trained {
  const { steps, batchSize, size, learningRate } = settings;
  const [gridHeight, gridWidth] = gridOf(size);
  const learnedPositions = variant.positions === 'learned' ? gridHeight * gridWidth : 0;
  const config: TransformerConfig = { ...sizes, classes: 10, learnedPositions };
  const weights = createWeights(config, seed);
  const trained = { variant, settings, config, weights };
  const optimizer = new ScheduledAdam(learningRate);
  const losses: number[] = [];
  const counts: number[] = [];
  const begun = process.cpuUsage();
  for (let pass = 0; losses.length < steps; pass++) {
    const placed = scatter(digits, ...size, randomNumbers(1000 * seed + pass));
    const tokens = placed.pictures.map((picture) => tokenize(picture, toleranceOf(trained)));
    const lengths = tokens.map((picture) => picture.lengths.length);
    counts.push(...lengths);
    const batches = drawBatches(lengths, batchSize, randomNumbers(1000 * seed + 500 + pass));
    for (const indices of batches.slice(0, steps - losses.length)) {
      optimizer.schedule(losses.length, steps);
      const batch = batchOf(Array.from(indices, (i) => tokens[i] as Tokens));
      losses.push(trainStep(trained, optimizer, batch, select(placed, indices).labels));
    }
  }
  optimizer.dispose();
  const { user, system } = process.cpuUsage(begun);
  const meanTokens = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return { ...trained, losses, meanTokens, cpuSeconds: (user + system) / 1e6 };
}

/** A model with the settings of its training. */
export type Model = Pick<Trained, 'variant' | 'settings' | 'config' | 'weights'>;

function trainStep(model: Model, optimizer: ScheduledAdam, batch: Batch, labels: Int32Array): number {
  return tf.tidy(() => {
    const input = inputOf(model, batch);
    const target = tf.oneHot(tf.tensor1d(labels, 'int32'), model.config.classes);
    const logits = () => classify(model.config, model.weights, input);
    const loss = (): tf.Scalar => tf.losses.softmaxCrossEntropy(target, logits()).asScalar();
    const { value, grads } = tf.variableGrads(loss, Object.values(model.weights));
    optimizer.applyGradients(grads as Record<string, tf.Variable>);
    return value.dataSync()[0] as number;
  });
}

/** Makes tensors of a batch, with the positions of the variant. */
export function inputOf({ variant, settings, config }: Model, batch: Batch): Input {
  const [B, P] = batch.shape;
  const [gridHeight, gridWidth] = gridOf(settings.size);
  return {
    contents: tf.tensor3d(batch.contents, [B, P, config.inputs]),
    present: tf.tensor2d(Float32Array.from(batch.lengths, Math.sign), [B, P]),
    ...(variant.positions === 'learned'
      ? { learned: tf.tensor3d(learnedWeights(batch, { gridHeight, gridWidth }), [B, P, config.learnedPositions]) }
      : { rotation: toRotation(rotaryTable(batch, variant.positions, config.headDim)) }),
  };
}

const toleranceOf = ({ variant, settings }: Pick<Model, 'variant' | 'settings'>): number | undefined =>
  variant.merged ? settings.tolerance : undefined;

const gridOf = ([height, width]: Size): [number, number] => [height / patchSize, width / patchSize];
