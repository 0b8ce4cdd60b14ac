import { linear, type ParameterSpec, type ParameterSpecs, standardNormal, zeros } from '@dpar/nn';
import type { PatchingOptions } from '@dpar/patchify';
import { DparError, float32, named, type Ops, sizeOf, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type BoundaryHeadConfig, type DparConfig, dparConfigKinds } from './config.js';
import { patchingOptions } from './patching-options.js';

// A small network on the states of the local encoder that predicts the entropies of the entropy model, in its place. The
// entropy of a token is predicted from its position and the states of some tokens before it: those before it in its row,
// and those around the one above it.

/** Parameters of the boundary head, by name; none without one. */
export function boundaryHeadSpecs({ dim, blockSize, boundaryHead }: DparConfig): ParameterSpecs {
  if (boundaryHead === undefined) return {};
  const { hiddenWidth, hiddenLayers, neighbours } = boundaryHead;
  const features = neighbours.length * dim;
  const specs: Record<string, ParameterSpec> = {
    // One row for each of the tokens 1 to T - 1.
    'boundary_head.positions.weight': zeros([blockSize - 1, hiddenWidth]),
  };
  for (let layer = 0; layer < hiddenLayers; layer++) {
    const inputs = layer === 0 ? features : hiddenWidth;
    // Inputs of unit size stay so, whatever the width.
    specs[`boundary_head.layers.${layer}.weight`] = {
      shape: [hiddenWidth, inputs],
      initializer: { kind: 'normal', std: inputs ** -0.5 },
    };
    specs[`boundary_head.layers.${layer}.bias`] = zeros([hiddenWidth]);
  }
  specs['boundary_head.output.weight'] = standardNormal([1, hiddenWidth]);
  specs['boundary_head.output.bias'] = zeros([1]);
  return specs;
}

/** Returns true for the name of a parameter of the boundary head. */
export function isBoundaryParameter(name: string): boolean {
  checkArguments('isBoundaryParameter', { name }, { name: 'string' });
  return name.startsWith('boundary_head.');
}

/** Returns true for the name of a parameter that the entropies of the boundary head depend on. */
export function isReadByHead(name: string): boolean {
  checkArguments('isReadByHead', { name }, { name: 'string' });
  return isBoundaryParameter(name) || name === 'tok_embeddings.weight' || name.startsWith('local_encoder.layers.');
}

/** Multiply-accumulates of the boundary head's products for one token; 0 without one. */
export function boundaryHeadMacs(config: DparConfig): number {
  checkArguments('boundaryHeadMacs', { config }, { config: dparConfigKinds });
  const matrices = Object.entries(boundaryHeadSpecs(config)).filter(
    ([name, { shape }]) => shape.length === 2 && !name.startsWith('boundary_head.positions.'),
  );
  return matrices.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
}

/** Boundary head of a configuration. @throws DparError if it has none. */
export function boundaryHeadOf(caller: string, { boundaryHead }: DparConfig): BoundaryHeadConfig {
  if (boundaryHead !== undefined) return boundaryHead;
  throw new DparError(
    `${caller}: expected a model with a boundary head, got one without 'boundary_head' in its config.json. ` +
      "Train one with 'dpar train', or use an entropy model.",
  );
}

/**
 * Patching by the entropies of the boundary head: that of the configuration, with the threshold of the head if it has one.
 * @throws DparError for a model without a boundary head.
 */
export function boundaryPatching(config: DparConfig): PatchingOptions {
  checkArguments('boundaryPatching', { config }, { config: dparConfigKinds });
  const { threshold } = boundaryHeadOf('boundaryPatching', config);
  return { ...patchingOptions(config), threshold: threshold ?? config.patching.threshold };
}

/**
 * Entropies that the boundary head predicts for whole images, or for their first tokens.
 * @param states Encoder states of the first tokens, [B, count or more, D]: `encoderTokens` of `dpar`
 * @param count Number of entropies of an image; by default T - 1, all of them.
 * @returns [B, count], nats: entry j belongs to the prediction of token j + 1
 * @throws DparError for a model without a boundary head.
 */
export function boundaryEntropies<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  states: T,
  count?: number,
): T {
  checkArguments(
    'boundaryEntropies',
    { ops, config, parameters, states, count },
    { ops: 'Ops', config: dparConfigKinds, parameters: 'object', states: 'Tensor', 'count?': 'number' },
  );
  const predicted = count ?? config.blockSize - 1;
  const { neighbours } = boundaryHeadOf('boundaryEntropies', config);
  const [B = 0] = ops.shapeOf(states);
  // Zeros stand for tokens before the image.
  const before = Math.max(...neighbours) - 1;
  const padded = ops.pad(states, 1, before, 0);
  const shifted = neighbours.map((distance) => ops.slice(padded, 1, before + 1 - distance, predicted));
  const positions = ops.takeRows(named(parameters, 'boundary_head.positions.weight'), ops.range(predicted));
  return ops.reshape(mlp(ops, config, parameters, ops.concat(shifted, -1), positions), [B, predicted]);
}

/**
 * Entropies that the boundary head predicts for the next token of R sequences.
 * @param states Encoder states of the neighbours, in the order of the configuration: the tokens at these distances before the
 * next one, zeros before the image. [R, neighbours D]
 * @param positions Position of the newest token, int32 [R]; the next one must be a token of the image.
 * @returns [R], nats
 * @throws DparError for a model without a boundary head.
 */
export function boundaryStep<T>(ops: Ops<T>, config: DparConfig, parameters: Tensors<T>, states: T, positions: T): T {
  checkArguments(
    'boundaryStep',
    { ops, config, parameters, states, positions },
    { ops: 'Ops', config: dparConfigKinds, parameters: 'object', states: 'Tensor', positions: 'Tensor' },
  );
  const rows = ops.takeRows(named(parameters, 'boundary_head.positions.weight'), positions);
  return ops.reshape(mlp(ops, config, parameters, states, rows), [-1]);
}

/**
 * The network: states of unit size, hidden layers with SiLU, and one output.
 * @param states Those of all neighbours, [..., neighbours D]
 * @param positions Added in the first layer, broadcast to [..., hiddenWidth]
 * @returns [..., 1]
 */
function mlp<T>(ops: Ops<T>, config: DparConfig, parameters: Tensors<T>, states: T, positions: T): T {
  const { dim, normEps } = config;
  const { hiddenLayers } = boundaryHeadOf('boundaryEntropies', config);
  const weight = (name: string): T => named(parameters, `boundary_head.${name}`);
  const layer = (name: string, x: T): T => ops.add(linear(ops, weight(`${name}.weight`), x), weight(`${name}.bias`));
  // The first layer contains the gain of the norm.
  const gain = ops.constant(float32([dim], new Float32Array(dim).fill(1)));
  const shape = ops.shapeOf(states);
  const each = ops.reshape(states, [...shape.slice(0, -1), (shape.at(-1) ?? 0) / dim, dim]);
  let h = ops.reshape(ops.rmsNorm(each, gain, normEps), shape);
  for (let i = 0; i < hiddenLayers; i++) {
    const x = layer(`layers.${i}`, h);
    h = ops.silu(i === 0 ? ops.add(x, positions) : x);
  }
  return layer('output', h);
}
