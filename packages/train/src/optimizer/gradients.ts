import type { HostTensor, Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { float32Data, matchingData } from './float32-data.js';
import { addScaled, sumOfSquares } from './kernels.js';

/**
 * Adds gradients to a sum, in place: sum = sum + scale gradient. With scale 1 / n, n equal parts of a batch give the
 * mean that the whole batch has.
 * @param sum float32; starts at zero.
 * @param gradients A tensor of the same size for each of the sum.
 * @throws DparError if a gradient is missing, not float32 or of another size; nothing has changed then.
 */
export function accumulateGradients(sum: Tensors<HostTensor>, gradients: Tensors<HostTensor>, scale = 1): void {
  checkArguments(
    'accumulateGradients',
    { sum, gradients, scale },
    { sum: 'object', gradients: 'object', 'scale?': 'number' },
  );

  const pairs = Object.entries(sum).map(([name, tensor]) => {
    const data = float32Data('accumulateGradients', name, tensor);
    return [data, matchingData('accumulateGradients', 'a gradient', gradients, name, data.length)] as const;
  });
  for (const [data, gradient] of pairs) addScaled(data, gradient, scale);
}

/**
 * Euclidean norm of all elements of all tensors together, summed in double precision.
 * @throws DparError if one is not float32.
 */
export function globalNorm(tensors: Tensors<HostTensor>): number {
  checkArguments('globalNorm', { tensors }, { tensors: 'object' });

  let total = 0;
  for (const [name, tensor] of Object.entries(tensors)) total += sumOfSquares(float32Data('globalNorm', name, tensor));
  return Math.sqrt(total);
}

/**
 * Factor on the gradients that clips their global norm, as `torch.nn.utils.clip_grad_norm_` computes it:
 * maxNorm / (norm + 1e-6), at most 1.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  checkArguments('clipFactor', { norm, maxNorm }, { norm: 'number | NaN', maxNorm: 'number' });

  return Math.min(1, maxNorm / (norm + 1e-6));
}
