const names = [
  ...['ArrayBuffer', 'Uint8Array', 'Int8Array', 'Uint16Array', 'Int16Array', 'Uint32Array', 'Int32Array'],
  ...['Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
] as const;

/** The largest sum that {@link allocatedBytes} has counted since it was last asked. */
let counted = 0;

/**
 * Counts the bytes of all buffers and typed arrays that are made from now on, by whatever code looks up these names from
 * now on. What is asked for counts, also if it fails.
 */
export function countAllocations(): void {
  for (const name of names) {
    const original = globalThis[name] as new (...args: unknown[]) => object;
    const width = (original as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    const counting: typeof original = new Proxy(original, {
      construct(target, args, newTarget) {
        const [first] = args;
        if (typeof first === 'number') counted += first * width;
        else if (!(first instanceof ArrayBuffer) && typeof first?.length === 'number') counted += first.length * width;
        return Reflect.construct(target, args, newTarget === counting ? target : newTarget);
      },
    });
    Object.defineProperty(globalThis, name, { value: counting, configurable: true, writable: true });
  }
}

/** Bytes asked for since the last call. */
export function allocatedBytes(): number {
  const bytes = counted;
  counted = 0;
  return bytes;
}
