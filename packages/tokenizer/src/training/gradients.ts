import type { KindsOf } from '@dpar/check';
import { architectureArgument } from '@dpar/nn';
import { named, type Ops, Tape, type Tensors, type Variable } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import {
  type DiscriminatorConfig,
  discriminate,
  discriminatorConfigKinds,
  isDiscriminatorParameter,
} from './discriminator.js';
import {
  lossWeightsKinds,
  pixelTerms,
  quantize,
  type TokenizerArchitecture,
  type TokenizerLossWeights,
  trainingOf,
} from './losses.js';

/** Distance of images that a network perceives: images [B, 3, H, W] in -1..1, `images` constant -> scalar. */
export type PerceptualDistance = <T>(ops: Ops<T>, decoded: T, images: T) => T;

/** Part of the loss that a discriminator gives. */
export interface AdversarialLoss {
  readonly discriminator: DiscriminatorConfig;
  /** Weight of the loss, which is multiplied by the adaptive weight if there is one. */
  readonly weight: number;
  /** True to multiply it by the ratio of the gradients of both losses at the last layer, as in VQGAN. */
  readonly adaptive: boolean;
}

/** The loss of a tokenizer. */
export interface TokenizerLoss {
  readonly weights: TokenizerLossWeights;
  readonly perceptual?: { readonly distance: PerceptualDistance; readonly weight: number } | undefined;
  readonly adversarial?: AdversarialLoss | undefined;
}

/** Kinds of {@link TokenizerLoss}. */
export const tokenizerLossKinds: KindsOf<TokenizerLoss> = {
  weights: lossWeightsKinds,
  'perceptual?': { distance: 'function', weight: 'number', '*': 'any' },
  'adversarial?': { discriminator: discriminatorConfigKinds, weight: 'number', adaptive: 'boolean', '*': 'any' },
};

/** Arguments of both losses. */
const lossArguments = {
  ops: 'Ops',
  model: architectureArgument,
  loss: tokenizerLossKinds,
  tensors: 'object',
  images: 'Tensor',
} as const;

/** Largest adaptive weight, as in VQGAN. */
const largestAdaptiveWeight = 1e4;

/** Added to the divisor of the adaptive weight, as in VQGAN. */
const smallestGradient = 1e-4;

/** Results of {@link tokenizerGradients}. */
export interface TokenizerGradients<T> {
  /** Scalars: `loss`, and its unweighted terms by name; with a discriminator also its own loss, `discriminator`. */
  readonly scalars: Tensors<T>;
  /** int32 [B, T]. */
  readonly codes: T;
  /** States before the codes were looked up, [B, T, D]. */
  readonly states: T;
  /** Of the tokenizer's parameters, and with a discriminator of its parameters, by their names. */
  readonly gradients: Tensors<T>;
}

/**
 * Loss of a tokenizer on a batch, and its gradients.
 *
 * The pixel, perceptual and adversarial terms meet the decoder at its images, where their gradients are taken first. So the
 * adaptive weight costs two passes of the last layers, and a discriminator is run once for its own gradients and those of the
 * images: it learns by the hinge loss (Lim and Ye 2017, arXiv:1705.02894).
 * @param tensors Parameters of the tokenizer, and with `adversarial` of the discriminator.
 * @param images [B, 3, H, W] in -1..1
 */
export function tokenizerGradients<T>(
  ops: Ops<T>,
  model: TokenizerArchitecture,
  loss: TokenizerLoss,
  tensors: Tensors<T>,
  images: T,
): TokenizerGradients<T> {
  checkArguments('tokenizerGradients', { ops, model, loss, tensors, images }, lossArguments);
  const { kind, config } = model;
  const { weights, perceptual, adversarial } = loss;
  const training = trainingOf(kind);
  const tape = new Tape(ops);
  const constant = (value: T): Variable<T> => tape.variable(value, false);
  const own = Object.entries(tensors).filter(([name]) => !isDiscriminatorParameter(name));
  const variables = Object.fromEntries(own.map(([name, value]) => [name, tape.variable(value)]));

  const stop = ({ value }: Variable<T>): Variable<T> => constant(value);
  const coded = quantize(tape.ops, stop, model, weights, variables, constant(images));
  const { codes, states, quantized, grid, terms } = coded;
  const features = training.features(tape.ops, config, variables, { codes, states: quantized, grid });
  const decoded = training.output(tape.ops, config, variables, features, grid);

  // The terms of the images, and their gradients by the images.
  const appearance = appearanceGradients(ops, weights, perceptual, decoded.value, images);
  const scalars: Record<string, T> = { ...appearance.terms };
  let byImages = appearance.gradient;
  let total = appearance.loss;
  let discriminatorGradients: Tensors<T> = {};
  if (adversarial !== undefined) {
    const judged = discriminatorStep(ops, adversarial.discriminator, tensors, decoded.value, images);
    const values = Object.fromEntries(Object.entries(features).map(([name, { value }]) => [name, value]));
    const output = (lastOps: Ops<Variable<T>>, all: Tensors<Variable<T>>, lastTape: Tape<T>): Variable<T> =>
      training.output(
        lastOps,
        config,
        all,
        mapTensors(values, (value) => lastTape.variable(value, false)),
        grid,
      );
    const weight = adversarial.adaptive
      ? ops.mul(
          adaptiveWeight(ops, training.lastWeight, Object.fromEntries(own), output, byImages, judged.gradient),
          adversarial.weight,
        )
      : ops.scalar(adversarial.weight);
    byImages = ops.add(byImages, ops.mul(judged.gradient, weight));
    total = ops.add(total, ops.mul(judged.adversarial, weight));
    discriminatorGradients = judged.gradients;
    Object.assign(scalars, {
      adversarial: judged.adversarial,
      adversarialWeight: weight,
      discriminator: judged.loss,
    });
  }

  // All gradients, from a sum whose gradient by the images is the one above.
  let sum = tape.ops.sum(tape.ops.mul(decoded, constant(byImages)));
  for (const [name, term] of Object.entries(terms)) {
    const weight = weights[name as keyof typeof terms];
    sum = tape.ops.add(sum, tape.ops.mul(term, weight));
    total = ops.add(total, ops.mul(term.value, weight));
    scalars[name] = term.value;
  }
  const names = Object.keys(variables);
  const found = tape.gradients(sum, Object.values(variables));
  const gradients = Object.fromEntries(names.map((name, i) => [name, found[i] as T]));
  return {
    scalars: { loss: total, ...scalars },
    codes: codes.value,
    states: states.value,
    gradients: { ...gradients, ...discriminatorGradients },
  };
}

/**
 * Loss of a tokenizer on a batch without its adversarial term, for validation.
 * @returns `loss` (scalar), `codes` int32 [B, T], and the `decoded` images [B, 3, H, W].
 */
export function validationTerms<T>(
  ops: Ops<T>,
  model: TokenizerArchitecture,
  loss: TokenizerLoss,
  tensors: Tensors<T>,
  images: T,
): { readonly loss: T; readonly codes: T; readonly decoded: T } {
  checkArguments('validationTerms', { ops, model, loss, tensors, images }, lossArguments);
  const { kind, config } = model;
  const training = trainingOf(kind);
  const { codes, quantized, grid, terms } = quantize(ops, (x) => x, model, loss.weights, tensors, images);
  const features = training.features(ops, config, tensors, { codes, states: quantized, grid });
  const decoded = training.output(ops, config, tensors, features, grid);
  const { absolute, squared } = pixelTerms(ops, decoded, images);
  const weighted = Object.entries({ absolute, squared, ...terms }).map(([name, term]) =>
    ops.mul(term, loss.weights[name as keyof TokenizerLossWeights]),
  );
  if (loss.perceptual !== undefined) {
    weighted.push(ops.mul(loss.perceptual.distance(ops, decoded, images), loss.perceptual.weight));
  }
  return { loss: weighted.reduce((sum, term) => ops.add(sum, term)), codes, decoded };
}

/** Pixel and perceptual terms, their weighted sum, and its gradient by the decoded images. */
function appearanceGradients<T>(
  ops: Ops<T>,
  weights: TokenizerLossWeights,
  perceptual: TokenizerLoss['perceptual'],
  decoded: T,
  images: T,
): { readonly terms: Tensors<T>; readonly loss: T; readonly gradient: T } {
  const tape = new Tape(ops);
  const variable = tape.variable(decoded);
  const original = tape.variable(images, false);
  const { absolute, squared } = pixelTerms(tape.ops, variable, original);
  const terms: Record<string, Variable<T>> = { absolute, squared };
  let loss = tape.ops.add(tape.ops.mul(absolute, weights.absolute), tape.ops.mul(squared, weights.squared));
  if (perceptual !== undefined) {
    terms.perceptual = perceptual.distance(tape.ops, variable, original);
    loss = tape.ops.add(loss, tape.ops.mul(terms.perceptual, perceptual.weight));
  }
  const [gradient] = tape.gradients(loss, [variable]);
  return { terms: mapTensors(terms, ({ value }) => value), loss: loss.value, gradient: gradient as T };
}

/** Both losses of a discriminator on decoded images and originals, and their gradients. */
function discriminatorStep<T>(
  ops: Ops<T>,
  config: DiscriminatorConfig,
  tensors: Tensors<T>,
  decoded: T,
  images: T,
): { readonly adversarial: T; readonly gradient: T; readonly loss: T; readonly gradients: Tensors<T> } {
  const tape = new Tape(ops);
  const entries = Object.entries(tensors).filter(([name]) => isDiscriminatorParameter(name));
  const variables = Object.fromEntries(entries.map(([name, value]) => [name, tape.variable(value)]));
  const fake = tape.variable(decoded);
  const judge = (x: Variable<T>): Variable<T> => discriminate(tape.ops, config, variables, x);
  const [onFake, onReal] = [judge(fake), judge(tape.variable(images, false))];
  const adversarial = tape.ops.neg(tape.ops.mean(onFake));
  const [gradient] = tape.gradients(adversarial, [fake]);
  const hinge = (x: Variable<T>): Variable<T> => tape.ops.mean(tape.ops.maximum(tape.ops.add(x, 1), 0));
  const loss = tape.ops.mul(tape.ops.add(hinge(onFake), hinge(tape.ops.neg(onReal))), 0.5);
  const found = tape.gradients(loss, Object.values(variables));
  return {
    adversarial: adversarial.value,
    gradient: gradient as T,
    loss: loss.value,
    gradients: Object.fromEntries(entries.map(([name], i) => [name, found[i] as T])),
  };
}

/**
 * Weight by which an adversarial loss moves the last layer as much as the other terms (Esser et al. 2021, equation 7):
 * |gradient of the others| / (|gradient of the adversarial loss| + 1e-4), at most 10,000.
 */
function adaptiveWeight<T>(
  ops: Ops<T>,
  lastWeight: string,
  parameters: Tensors<T>,
  output: (ops: Ops<Variable<T>>, parameters: Tensors<Variable<T>>, tape: Tape<T>) => Variable<T>,
  byImages: T,
  adversarialByImages: T,
): T {
  const tape = new Tape(ops);
  const variables = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, tape.variable(value, name === lastWeight)]),
  );
  const decoded = output(tape.ops, variables, tape);
  const norm = (gradient: T): T => {
    const along = tape.ops.sum(tape.ops.mul(decoded, tape.variable(gradient, false)));
    const [found] = tape.gradients(along, [named(variables, lastWeight)]);
    return ops.sqrt(ops.sum(ops.square(found as T)));
  };
  const ratio = ops.div(norm(byImages), ops.add(norm(adversarialByImages), smallestGradient));
  return ops.minimum(ratio, largestAdaptiveWeight);
}

function mapTensors<A, B>(tensors: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, map(value)]));
}
