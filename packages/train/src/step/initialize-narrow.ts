import { initializeParameters, type ParameterSpec, type ParameterSpecs } from '@dpar/nn';
import type { HostTensor } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Standard deviation of embeddings, and of linear layers times the root of their inputs. */
const scale = 0.7;

/**
 * Initial parameters of a narrow model. The paper's standard deviation of 0.02 is made for widths of 768 and more: at a
 * width of 100 it leaves the layers so weak at first, and lets each update change them so much, that a short run learns
 * little. Here linear layers start with 0.7 / sqrt(inputs), which at a width of 768 is 0.025, and embeddings with 0.7.
 * Whatever starts in another way (norms, the output layer, cross-attention) stays as it is.
 */
export function initializeNarrow(specs: ParameterSpecs, seed: number): Record<string, HostTensor> {
  checkArguments('initializeNarrow', { specs, seed }, { specs: 'object', seed: 'number' });

  const entries = Object.entries(specs).map(([name, spec]): [string, ParameterSpec] => {
    const { shape, initializer } = spec;
    if (initializer.kind !== 'normal') return [name, spec];
    const std = name.includes('embedding') ? scale : scale / Math.sqrt(shape[1] ?? 1);
    return [name, { shape, initializer: { kind: 'normal', std } }];
  });
  return initializeParameters(Object.fromEntries(entries), seed);
}
