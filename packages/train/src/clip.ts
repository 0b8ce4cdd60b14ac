import type { HostTensor, Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { float32Data } from './float32-data.js';
import { sumOfSquares } from './kernels/optimizer.js';

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
