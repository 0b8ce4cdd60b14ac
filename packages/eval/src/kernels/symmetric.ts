import { startKernels } from '@dpar/tensor';
import { type GrowingMemory, reserve } from './memory.js';
import { symmetricWasm } from './symmetric.wasm.js';

/** Exports of assembly/symmetric.ts. */
interface Exports extends GrowingMemory {
  updateAndMultiply(a: number, stride: number, k: number, v: number, w: number, u: number, product: number): void;
  rowDots(rows: number, stride: number, n: number, one: number, bytes: number, skip: number, out: number): void;
}

/** A vector in the memory of the kernels. */
export interface Vector {
  readonly address: number;
  readonly data: Float64Array;
}

/** A square matrix and vectors in the memory of the kernels, valid until the next workspace is opened. */
export interface Workspace {
  readonly run: Exports;
  /** Numbers from one row to the next: n, rounded up to a multiple of 8. */
  readonly stride: number;
  /** [n, stride], at address 0; zeros. */
  readonly matrix: Float64Array;
  /** Vectors of `stride` numbers, zeros. */
  readonly vectors: readonly Vector[];
}

let started: Exports | undefined;

/**
 * Opens the memory of the kernels for a matrix [n, n] and vectors. The memory is kept and grows to the largest matrix.
 * @throws DparError if there is not enough memory.
 */
export function openWorkspace(n: number, vectorCount: number, caller: string): Workspace {
  started ??= startKernels<Exports>(symmetricWasm, caller);
  const stride = Math.ceil(n / 8) * 8;
  const size = n * stride;
  const buffer = reserve(started, 8 * (size + vectorCount * stride), caller);
  const all = new Float64Array(buffer, 0, size + vectorCount * stride).fill(0);
  const vectors = Array.from({ length: vectorCount }, (_, i) => {
    const first = size + i * stride;
    return { address: 8 * first, data: all.subarray(first, first + stride) };
  });
  return { run: started, stride, matrix: all.subarray(0, size), vectors };
}
