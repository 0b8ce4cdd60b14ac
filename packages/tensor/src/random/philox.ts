import { philoxWasm } from '../kernels/philox.wasm.js';
import { type KernelConstant, type KernelMemory, startKernels } from '../kernels/start-kernels.js';

const multipliers = [0xd2511f53, 0xcd9e8d57] as const;
const keySteps = [0x9e3779b9, 0xbb67ae85] as const;
const rounds = 10;

/** Upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (aLow * bHigh + (middle & 0xffff)) >>> 16;
  return aHigh * bHigh + (middle >>> 16) + carry;
}

/**
 * Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011): turns a counter
 * and a key into four random words of 32 bits.
 * @param counter Four words. Equal counters under equal keys give equal results.
 * @param key Two words.
 * @param output Receives the four words.
 */
export function philox4x32(counter: readonly number[], key: readonly number[], output: Uint32Array): void {
  let [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = counter;
  let [k0 = 0, k1 = 0] = key;
  for (let round = 0; round < rounds; round++) {
    const high0 = multiplyHigh(multipliers[0], c0);
    const low0 = Math.imul(multipliers[0], c0);
    const high1 = multiplyHigh(multipliers[1], c2);
    const low1 = Math.imul(multipliers[1], c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + keySteps[0]) | 0;
    k1 = (k1 + keySteps[1]) | 0;
  }
  output[0] = c0;
  output[1] = c1;
  output[2] = c2;
  output[3] = c3;
}

/** Exports of assembly/philox.ts, documented there. */
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
 * Kernels that draw many numbers at once. Their memory keeps no data between calls.
 * @param caller Function that needs them, for the error message.
 * @throws DparError where WebAssembly or its SIMD instructions are missing.
 */
export function philoxKernels(caller: string): PhiloxKernels {
  kernels ??= startKernels<PhiloxKernels>(philoxWasm, caller);
  return kernels;
}
