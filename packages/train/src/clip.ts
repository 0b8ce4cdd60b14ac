import type { HostTensor, Tensors } from '@dpar/tensor';

/** Euclidean norm of all elements of all tensors together, summed in double precision. */
export function globalNorm(tensors: Tensors<HostTensor>): number {
  let total = 0;
  for (const { data } of Object.values(tensors)) total += sumOfSquares(data);
  return Math.sqrt(total);
}

/**
 * Factor on the gradients that clips their global norm, as `torch.nn.utils.clip_grad_norm_` computes it:
 * maxNorm / (norm + 1e-6), at most 1.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}

/** Four sums, so that an addition need not wait for the one before. */
function sumOfSquares(data: HostTensor['data']): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const even = data.length - (data.length % 4);
  for (let i = 0; i < even; i += 4) {
    const w = data[i] as number;
    const x = data[i + 1] as number;
    const y = data[i + 2] as number;
    const z = data[i + 3] as number;
    a += w * w;
    b += x * x;
    c += y * y;
    d += z * z;
  }
  for (let i = even; i < data.length; i++) a += (data[i] as number) ** 2;
  return a + b + c + d;
}
