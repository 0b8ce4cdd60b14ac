import { describe, expect, it } from 'vitest';
import { isDparError } from '../error.js';
import { philoxWasm } from './philox.wasm.js';
import { type KernelConstant, startKernels } from './start-kernels.js';

describe('startKernels', () => {
  it('gives the exports, with a memory of their own for each call', () => {
    const [one, other] = [0, 1].map(() => startKernels<{ maskCapacity: KernelConstant }>(philoxWasm, 'test'));
    expect(one?.maskCapacity.value).toBe(8192);
    expect(one?.memory.buffer.byteLength).toBeGreaterThanOrEqual(8192);
    expect(one?.memory.buffer).not.toBe(other?.memory.buffer);
  });

  it('says what is missing', () => {
    // A function that uses an instruction that does not exist, as SIMD does not in old runtimes.
    const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 5, 1, 3, 0, 0xff, 0x0b];
    const base64 = btoa(String.fromCharCode(...bytes));
    let error: unknown;
    try {
      startKernels(base64, 'AdamW');
    } catch (thrown) {
      error = thrown;
    }
    expect(isDparError(error)).toBe(true);
    expect((error as Error).message).toMatch(/^AdamW: expected WebAssembly with SIMD, got '.+'\. Use Node 20/);
    expect((error as Error).cause).toBeInstanceOf(Error);
  });
});
