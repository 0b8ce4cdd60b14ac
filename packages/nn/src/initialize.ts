import { createRandom, type Shape } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import type { ParameterSpec } from './parameters.js';

/** How a parameter's values are drawn. */
export type Initializer =
  | { readonly kind: 'zeros' | 'ones' }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'truncatedNormal'; readonly std: number; readonly cut: number };

/** A parameter of zeros (output projections start so). */
export function zeros(shape: Shape): ParameterSpec {
  checkArguments('zeros', { shape }, { shape: 'number[]' });

  return { shape, initializer: { kind: 'zeros' } };
}

/** A parameter of ones (norms). */
export function ones(shape: Shape): ParameterSpec {
  checkArguments('ones', { shape }, { shape: 'number[]' });

  return { shape, initializer: { kind: 'ones' } };
}

/** Linear layers and embeddings: normal with standard deviation 0.02, as LlamaGen has it. */
export function standardNormal(shape: Shape): ParameterSpec {
  checkArguments('standardNormal', { shape }, { shape: 'number[]' });

  return { shape, initializer: { kind: 'normal', std: 0.02 } };
}

/** Normal with the given standard deviation, given that it is within `cut` standard deviations of 0. */
export function truncatedNormal(shape: Shape, std: number, cut: number): ParameterSpec {
  checkArguments('truncatedNormal', { shape, std, cut }, { shape: 'number[]', std: 'number', cut: 'number' });

  return { shape, initializer: { kind: 'truncatedNormal', std, cut } };
}

/** Fills one parameter; (seed, index of the parameter) selects the random stream. */
export function initialize(data: Float32Array, initializer: Initializer, seed: number, index: number): void {
  switch (initializer.kind) {
    case 'zeros':
      data.fill(0);
      return;
    case 'ones':
      data.fill(1);
      return;
    case 'normal':
      createRandom(seed, index).fillNormal(data, { std: initializer.std });
      return;
    case 'truncatedNormal':
      createRandom(seed, index).fillTruncatedNormal(data, { std: initializer.std, cut: initializer.cut });
  }
}
