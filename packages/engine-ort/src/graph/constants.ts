import type { HostTensor } from '@dpar/tensor';

/** Limit in bytes for comparing constants by content. Larger ones are compared by the identity of their data. */
const comparedBytes = 1 << 22;

/** Pool of constants, in which equal ones share an item. */
export class ConstantPool<T> {
  private readonly byHash = new Map<string, { value: HostTensor; item: T }[]>();
  private readonly identities = new Map<ArrayBufferLike, number>();

  /** Item of an equal constant (type, shape and bits), or else a new one from `make`. */
  get(value: HostTensor, make: () => T): T {
    const small = value.data.byteLength <= comparedBytes;
    const content = small ? `hash ${hash(bytesOf(value))}` : this.identity(value);
    const key = `${value.dtype} [${value.shape}] ${content}`;
    const candidates = this.byHash.get(key) ?? [];
    const found = candidates.find((candidate) => !small || sameBytes(bytesOf(candidate.value), bytesOf(value)));
    if (found) return found.item;
    const item = make();
    this.byHash.set(key, [...candidates, { value, item }]);
    return item;
  }

  private identity({ data }: HostTensor): string {
    const number = this.identities.get(data.buffer) ?? this.identities.size;
    this.identities.set(data.buffer, number);
    return `buffer ${number} at ${data.byteOffset}`;
  }
}

function bytesOf({ data }: HostTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** FNV-1a (Fowler, Noll and Vo), 32 bits. */
function hash(bytes: Uint8Array): number {
  let state = 0x811c9dc5;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193);
  return state >>> 0;
}
