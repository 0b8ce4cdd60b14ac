import { DparError, type KernelMemory } from '@dpar/tensor';

/** Memory of kernels that grows. Views of its buffer are of no use after it has grown. */
export interface GrowingMemory extends KernelMemory {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
}

/** Bytes by which memory grows. */
const pageBytes = 65536;

/**
 * Makes the memory of kernels at least as large as needed.
 * @param caller Function that needs it, for the message of an error.
 * @returns Its buffer.
 * @throws DparError if there is not that much.
 */
export function reserve(kernels: GrowingMemory, bytes: number, caller: string): ArrayBuffer {
  const missing = Math.ceil((bytes - kernels.memory.buffer.byteLength) / pageBytes);
  try {
    if (missing > 0) kernels.memory.grow(missing);
  } catch (cause) {
    throw new DparError(
      `${caller}: expected ${Math.ceil(bytes / 2 ** 20)} MiB of memory for a matrix, got '${
        cause instanceof Error ? cause.message : cause
      }'. Use features of fewer dimensions.`,
      { cause },
    );
  }
  return kernels.memory.buffer;
}
