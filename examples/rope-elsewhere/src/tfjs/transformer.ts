import * as tf from '@tensorflow/tfjs';
import { type Rotation, rotate } from './rotary.js';

/** Sizes of a vision transformer. */
export interface TransformerConfig {
  /** Numbers that a token brings. */
  readonly inputs: number;
  readonly stem: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  readonly feedForward: number;
  readonly classes: number;
  /** Positions that are learned; 0: none. */
  readonly learnedPositions: number;
}

/** Weights by name. */
export type Weights = Readonly<Record<string, tf.Variable>>;

/** What the transformer sees: B pictures of P tokens. */
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
    patchBias: matrix(1, width, 0.5), // so that an empty patch is something too
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

/** A pre-norm transformer: logits [B, classes] of the mean over all tokens. */
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

/**
 * The matrix product x w with gradients that transpose first: products of transposed matrices, which TensorFlow.js's own
 * gradients ask for, take its WASM backend up to four times as long.
 */
function product(x: tf.Tensor2D, w: tf.Tensor): tf.Tensor2D {
  const multiply = tf.customGrad((...[a, b, save]) => {
    (save as unknown as (kept: tf.Tensor[]) => void)([a as tf.Tensor, b as tf.Tensor]);
    return {
      value: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
      gradFunc: (dy, [a, b]) => [
        tf.matMul(dy as tf.Tensor2D, tf.transpose(b as tf.Tensor2D)),
        tf.matMul(tf.transpose(a as tf.Tensor2D), dy as tf.Tensor2D),
      ],
    };
  });
  return multiply(x, w) as tf.Tensor2D;
}

/** Softmax attention of queries, keys and values [B, P, H, headDim]: [B P, H headDim]. */
function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, absent: tf.Tensor): tf.Tensor2D {
  const [B, P, H, D] = q.shape;
  const byHead = (x: tf.Tensor4D): tf.Tensor4D => tf.transpose(x, [0, 2, 1, 3]); // [B, H, P, D]
  const scores = tf.mul(tf.matMul(byHead(q), byHead(k), false, true), D ** -0.5); // [B, H, P, P]
  const mixed = tf.matMul(tf.softmax(tf.add(scores, absent)), byHead(v)) as tf.Tensor4D;
  return tf.reshape(byHead(mixed), [B * P, H * D]);
}

function rmsNorm(x: tf.Tensor2D, scale: tf.Tensor): tf.Tensor2D {
  const meanSquare = tf.mean(tf.square(x), -1, true);
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, 1e-5))), scale);
}
