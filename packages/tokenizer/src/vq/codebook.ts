import { named, type Ops, type Tensors } from '@dpar/tensor';
import { nearestCodes } from '../codes.js';
import type { VqConfig } from './config.js';

/** Name of the codebook, [K, D]. */
export const codebookName = 'quantize.embedding.weight';

/** Smallest divisor of the normalisation, as in PyTorch's `normalize`. */
const shortest = 1e-12;

/** Normalises the last axis to length 1. */
function unitLength<T>(ops: Ops<T>, x: T): T {
  const length = ops.sqrt(ops.sum(ops.square(x), { axes: -1, keepDims: true }));
  return ops.div(x, ops.maximum(length, shortest));
}

/** Codes as they are compared with latents: [K, D]. */
export function codebook<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>): T {
  const stored = named(parameters, codebookName);
  return config.codebookL2Norm ? unitLength(ops, stored) : stored;
}

/** Nearest codes of latents [B, D, h, w], in raster order: int32 [B, T]. */
export function codesOfLatents<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, latents: T): T {
  return nearestCodes(ops, codebook(ops, config, parameters), cellsOf(ops, config, latents));
}

/** Latents as they are compared with codes: [B, D, h, w] -> [B, T, D]. */
export function cellsOf<T>(ops: Ops<T>, { codebookL2Norm }: VqConfig, latents: T): T {
  const [B = 0, D = 0, h = 0, w = 0] = ops.shapeOf(latents);
  const cells = ops.reshape(ops.transpose(latents, [0, 2, 3, 1]), [B, h * w, D]);
  return codebookL2Norm ? unitLength(ops, cells) : cells;
}

/** Latents of codes [B, h, w]: [B, D, h, w]. */
export function latentsOfCodes<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, codes: T): T {
  return ops.transpose(ops.takeRows(codebook(ops, config, parameters), codes), [0, 3, 1, 2]);
}
