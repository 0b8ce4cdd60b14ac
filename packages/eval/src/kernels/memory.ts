import { DparError, type KernelMemory } from '@dpar/tensor';

/** Growing memory of kernels. Growth invalidates views of its buffer. */
export interface GrowingMemory extends KernelMemory {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
}

/** Bytes of a WebAssembly memory page. */
const pageBytes = 65536;

/**
 * Grows the memory of kernels to at least some bytes.
 * @param caller Name of the function, for error messages.
 * @returns Its buffer.
 * @throws DparError if there is not enough memory.
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
