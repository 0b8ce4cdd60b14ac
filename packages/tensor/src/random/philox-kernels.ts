import { philoxWasm } from '../kernels/philox.wasm.js';
import { type KernelConstant, type KernelMemory, startKernels } from '../kernels/start-kernels.js';

/** Exports of assembly/philox.ts, which documents them. */
export interface PhiloxKernels extends KernelMemory {
  readonly maskCapacity: KernelConstant;
  readonly weightCapacity: KernelConstant;
  readonly weight: KernelConstant;
  readonly word: KernelConstant;
  keepMask(count: number, blockLow: number, blockHigh: number, key0: number, key1: number, last: number): void;
  nextCandidate(
    from: number,
    count: number,
    blockLow: number,
    blockHigh: number,
    key0: number,
    key1: number,
    bound: number,
  ): number;
  total(count: number): number;
}

let kernels: PhiloxKernels | undefined;

/**
 * The kernels that draw many numbers at once. Nobody's data stay in their memory between two calls.
 * @param caller Function that needs them, for the message of an error.
 * @throws DparError where WebAssembly or its SIMD instructions are missing.
 */
export function philoxKernels(caller: string): PhiloxKernels {
  kernels ??= startKernels<PhiloxKernels>(philoxWasm, caller);
  return kernels;
}
