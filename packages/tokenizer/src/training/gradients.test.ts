import { architectureOf, initializeParameters, kindOfConfig } from '@dpar/nn';
import { createRandom, float32, named, type Ops, referenceOps, type Tensors, typeOps } from '@dpar/tensor';
import { doublePrecisionOps } from '@dpar/tensor/conformance';
import { describe, expect, it } from 'vitest';
import { tokenizerKinds } from '../kinds.js';
import { discriminate, discriminatorSpecs, isDiscriminatorParameter } from './discriminator.js';
import { type TokenizerLoss, tokenizerGradients, validationTerms } from './gradients.js';
import { pixelTerms, quantize, trainingOf } from './losses.js';

const ops = doublePrecisionOps;
type Value = ReturnType<typeof ops.scalar>;

const vq = {
  kind: 'vq',
  ch: 8,
  ch_mult: [1, 1],
  num_res_blocks: 1,
  z_channels: 4,
  codebook_size: 6,
  codebook_embed_dim: 3,
  norm_groups: 4,
  image_size: 8,
};

const configs = {
  'vq, codes of length 1': { ...vq, codebook_l2_norm: true },
  'vq, codes of any length': { ...vq, codebook_l2_norm: false },
  'vq, positions of 2 x 2 pixels': { ...vq, patch_size: 2 },
  'vq, no norms': { ...vq, norm_groups: 0 },
  'patch-vq': { kind: 'patch-vq', image_size: 8, patch_size: 2, codebook_size: 6, hidden_dim: 5 },
};

const discriminator = { width: 8, layers: 1 };

/** A loss with all terms. */
const loss: TokenizerLoss = {
  weights: { absolute: 0.7, squared: 1.1, codebook: 0.9, commitment: 0.3, entropy: 0.2 },
  perceptual: { distance: (o, a, b) => o.mean(o.square(o.square(o.sub(a, b)))), weight: 0.4 },
  adversarial: { discriminator, weight: 0.5, adaptive: true },
};

function architecture(settings: Readonly<Record<string, unknown>>) {
  return architectureOf(kindOfConfig('test', tokenizerKinds, settings), settings);
}

/** Parameters in double precision, none of them zero. */
function parametersOf({ kind, config }: ReturnType<typeof architecture>): Record<string, Value> {
  const specs = { ...kind.specs(config), ...discriminatorSpecs(discriminator) };
  const random = createRandom(3);
  return Object.fromEntries(
    Object.entries(initializeParameters(specs, 2)).map(([name, { dtype, shape, data }]) => {
      const noise = random.fillNormal(new Float32Array(data.length), { std: name.includes('codebook') ? 0.5 : 0.1 });
      return [name, { dtype, shape, data: Float64Array.from(data, (value, i) => value + (noise[i] as number)) }];
    }),
  );
}

const images: Value = {
  dtype: 'float32',
  shape: [1, 3, 8, 8],
  data: Float64Array.from({ length: 192 }, (_, i) => Math.sin(0.37 * i) * Math.cos(0.11 * i)),
};

/** Stops gradients: records values, and later returns the recorded ones in the same order. */
function recorder() {
  const values: Value[] = [];
  let next: number | undefined;
  return {
    stop(x: Value): Value {
      if (next === undefined) values.push(x);
      return next === undefined ? x : (values[next++] as Value);
    },
    replay() {
      next = 0;
    },
  };
}

/** Derivative along a direction: central difference. The step is so short that no kink (of abs, ReLU, hinge) lies in it. */
function derivative(lossAt: (step: number) => number): number {
  const step = 1e-6;
  return (lossAt(step) - lossAt(-step)) / (2 * step);
}

/** Parameters with one of them moved along a direction. */
function moved(parameters: Tensors<Value>, name: string, direction: ArrayLike<number>, step: number): Tensors<Value> {
  const { data, ...type } = named(parameters, name);
  return { ...parameters, [name]: { ...type, data: data.map((value, i) => value + step * (direction[i] as number)) } };
}

/** Compares the gradient of each parameter with a finite difference, along a direction between it and a random one. */
function expectGradients(gradients: Tensors<Value>, lossAt: (moved: [string, ArrayLike<number>, number]) => number) {
  const random = createRandom(5);
  for (const [name, { data }] of Object.entries(gradients)) {
    const gradient = Array.from<number>(data);
    const length = Math.hypot(...gradient) || 1;
    const noise = random.fillNormal(new Float32Array(data.length), { std: 0.5 * data.length ** -0.5 });
    const direction = gradient.map((value, i) => value / length + (noise[i] as number));
    const expected = derivative((step) => lossAt([name, direction, step]));
    const found = gradient.reduce((sum, value, i) => sum + value * (direction[i] as number), 0);
    const error = Math.abs(found - expected);
    if (!(error <= 1e-7 + 1e-5 * Math.abs(expected))) {
      throw new Error(`expected a derivative of ${expected} along '${name}', got ${found}`);
    }
  }
}

describe.each(Object.entries(configs))('gradients of %s', (_, settings) => {
  const model = architecture(settings);
  const { kind, config } = model;
  const parameters = parametersOf(model);
  const found = tokenizerGradients(ops, model, loss, parameters, images);
  const own = Object.fromEntries(Object.entries(found.gradients).filter(([name]) => !isDiscriminatorParameter(name)));
  const theirs = Object.fromEntries(Object.entries(found.gradients).filter(([name]) => isDiscriminatorParameter(name)));

  /** The loss with what is stopped as `stop` returns it, and the weight of the adversarial term as it was. */
  function lossOf(stop: (x: Value) => Value, tensors: Tensors<Value>): number {
    const { weights, perceptual } = loss;
    const { codes, quantized, grid, terms } = quantize(ops, stop, model, weights, tensors, images);
    const training = trainingOf(kind);
    const features = training.features(ops, config, tensors, { codes, states: quantized, grid });
    const decoded = training.output(ops, config, tensors, features, grid);
    const all = { ...pixelTerms(ops, decoded, images), ...terms };
    const weighted = Object.entries(all).map(([name, term]) => ops.mul(term, weights[name as keyof typeof weights]));
    if (perceptual) weighted.push(ops.mul(perceptual.distance(ops, decoded, images), perceptual.weight));
    const score = ops.mean(discriminate(ops, discriminator, parameters, decoded));
    weighted.push(ops.mul(ops.neg(score), named(found.scalars, 'adversarialWeight')));
    return weighted.reduce((sum, term) => ops.add(sum, term)).data[0] as number;
  }

  it('agree with finite differences', () => {
    const record = recorder();
    expect(lossOf(record.stop, parameters)).toBeCloseTo(named(found.scalars, 'loss').data[0] as number, 10);
    expect(Object.keys(own).sort()).toEqual(Object.keys(kind.specs(config)).sort());
    expectGradients(own, (move) => {
      record.replay();
      return lossOf(record.stop, moved(parameters, ...move));
    });
  });

  it('of its discriminator agree with finite differences', () => {
    const decoded = validationTerms(ops, model, loss, parameters, images).decoded;
    const hinge = (x: Value) => ops.mean(ops.maximum(ops.add(x, 1), 0));
    const lossAt = (tensors: Tensors<Value>): number => {
      const [onFake, onReal] = [decoded, images].map((x) => discriminate(ops, discriminator, tensors, x)) as [
        Value,
        Value,
      ];
      return ops.mul(ops.add(hinge(onFake), hinge(ops.neg(onReal))), 0.5).data[0] as number;
    };
    expect(lossAt(parameters)).toBeCloseTo(named(found.scalars, 'discriminator').data[0] as number, 10);
    expect(Object.keys(theirs)).toEqual(Object.keys(discriminatorSpecs(discriminator)));
    expectGradients(theirs, (move) => lossAt(moved(parameters, ...move)));
  });
});

it('weights the adversarial term so that it moves the last layer as much as the others', () => {
  const model = architecture(configs['patch-vq']);
  const parameters = parametersOf(model);
  const last = trainingOf(model.kind).lastWeight;
  const of = (changes: Partial<TokenizerLoss>) =>
    tokenizerGradients(ops, model, { ...loss, ...changes }, parameters, images);
  const lengthOf = (gradients: Tensors<Value>) => Math.hypot(...named(gradients, last).data);
  const without = lengthOf(of({ adversarial: undefined }).gradients);
  const fixed = of({ adversarial: { discriminator, weight: 1, adaptive: false } });
  const difference = named(fixed.gradients, last).data.map(
    (value, i) => value - (named(of({ adversarial: undefined }).gradients, last).data[i] as number),
  );
  const { scalars } = of({ adversarial: { discriminator, weight: 0.5, adaptive: true } });
  const expected = (0.5 * without) / (Math.hypot(...difference) + 1e-4);
  expect(named(scalars, 'adversarialWeight').data[0]).toBeCloseTo(expected, 8);
  expect(named(fixed.scalars, 'adversarialWeight').data[0]).toBe(1);
});

it('leaves out terms without weight, and is traced by any engine', () => {
  const model = architecture(configs['patch-vq']);
  const parameters = Object.fromEntries(
    Object.entries(model.kind.specs(model.config)).map(([name, { shape }]) => [name, float32(shape)]),
  );
  const plain = { weights: { ...loss.weights, entropy: 0 } };
  const run = <T>(on: Ops<T>, tensors: Tensors<T>, pixels: T) => tokenizerGradients(on, model, plain, tensors, pixels);
  const { scalars, gradients } = run(referenceOps, parameters, float32([1, 3, 8, 8]));
  expect(Object.keys(scalars)).toEqual(['loss', 'absolute', 'squared', 'codebook', 'commitment']);
  expect(Object.keys(gradients)).toEqual(Object.keys(parameters));
  const types = run(typeOps, parameters, { dtype: 'float32', shape: [1, 3, 8, 8] });
  expect(types.codes).toEqual({ dtype: 'int32', shape: [1, 16] });
  expect(types.states.shape).toEqual([1, 16, 12]);
});
