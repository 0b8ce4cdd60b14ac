import * as tf from '@tensorflow/tfjs';
import { attention, product, rmsNorm } from './layers.js';
import { type Rotation, rotate } from './rotary.js';

/** Configuration of a vision transformer. */
export interface TransformerConfig {
  /** Numbers of a token. */
  readonly inputs: number;
  readonly stem: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  readonly feedForward: number;
  readonly classes: number;
  /** Number of learned positions. */
  readonly learnedPositions: number;
}

/** Weights by name. */
export type Weights = Readonly<Record<string, tf.Variable>>;

/** Input of the transformer: B pictures of P tokens. */
export interface Input {
  /** [B, P, inputs] */
  readonly contents: tf.Tensor3D;
  /** [B, P], 1 for tokens, 0 for padding */
  readonly present: tf.Tensor2D;
  readonly rotation?: Rotation | undefined;
  /** [B, P, learnedPositions] */
  readonly learned?: tf.Tensor3D | undefined;
}

/** Random weights, the same for the same seed. */
export function createWeights(config: TransformerConfig, seed: number): Weights {
  const { inputs, stem, width, layers, heads, headDim, feedForward, classes, learnedPositions } = config;
  let next = seed * 1000;
  const matrix = (rows: number, columns: number, deviation = rows ** -0.5) =>
    tf.variable(tf.truncatedNormal([rows, columns], 0, deviation, 'float32', ++next));
  const weights: Record<string, tf.Variable> = {
    stem: matrix(inputs, stem, (2 / inputs) ** 0.5),
    patch: matrix(stem, width),
    patchBias: matrix(1, width, 0.5), // so that an empty patch is not zero
  };
  for (let layer = 0; layer < layers; layer++) {
    for (const name of ['query', 'key', 'value']) weights[`${layer}.${name}`] = matrix(width, heads * headDim);
    weights[`${layer}.output`] = matrix(heads * headDim, width);
    weights[`${layer}.up`] = matrix(width, feedForward);
    weights[`${layer}.down`] = matrix(feedForward, width);
    for (const norm of ['attentionNorm', 'feedForwardNorm'])
      weights[`${layer}.${norm}`] = tf.variable(tf.ones([width]));
  }
  weights.norm = tf.variable(tf.ones([width]));
  weights.head = matrix(width, classes);
  weights.bias = tf.variable(tf.zeros([classes]));
  if (learnedPositions > 0) weights.positions = matrix(learnedPositions, width, 0.2);
  return weights;
}

/** Pre-norm transformer: logits [B, classes] of the mean over all tokens. */
export function classify(config: TransformerConfig, weights: Weights, input: Input): tf.Tensor2D {
  const { contents, present } = input;
  const [B, P] = contents.shape;
  const w = (name: string): tf.Variable => weights[name] as tf.Variable;
  const linear = (x: tf.Tensor2D, name: string): tf.Tensor2D => product(x, w(name));
  const absent = tf.reshape(tf.mul(tf.sub(present, 1), 1e9), [B, 1, 1, P]); // 0 or -1e9

  const pixels = tf.reshape(contents, [B * P, config.inputs]) as tf.Tensor2D;
  let x: tf.Tensor2D = tf.add(linear(tf.relu(linear(pixels, 'stem')), 'patch'), w('patchBias')); // [B P, width]
  if (input.learned) x = tf.add(x, linear(tf.reshape(input.learned, [B * P, config.learnedPositions]), 'positions'));
  for (let layer = 0; layer < config.layers; layer++) {
    const h = rmsNorm(x, w(`${layer}.attentionNorm`));
    const heads = (name: string): tf.Tensor4D =>
      tf.reshape(linear(h, `${layer}.${name}`), [B, P, config.heads, config.headDim]);
    const turn = (y: tf.Tensor4D): tf.Tensor4D => (input.rotation ? rotate(y, input.rotation, 'half-split') : y);
    const attended = attention(turn(heads('query')), turn(heads('key')), heads('value'), absent);
    x = tf.add(x, linear(attended, `${layer}.output`));
    const up = linear(rmsNorm(x, w(`${layer}.feedForwardNorm`)), `${layer}.up`);
    x = tf.add(x, linear(tf.relu(up), `${layer}.down`));
  }
  const weightOfToken = tf.reshape(tf.div(present, tf.sum(present, 1, true)), [B, P, 1]);
  const pooled = tf.sum(tf.mul(tf.reshape(rmsNorm(x, w('norm')), [B, P, config.width]), weightOfToken), 1);
  return tf.add(linear(pooled as tf.Tensor2D, 'head'), w('bias'));
}
