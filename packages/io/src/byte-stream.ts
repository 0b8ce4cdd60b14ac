/** Bytes that are read range by range: a file, or memory. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /**
   * The bytes of a range, which lies within the source.
   * @throws IoError if the source has become shorter, or there is no memory for them.
   */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** Bytes in memory as a source; ranges are views of them. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    // A Node Buffer's subarray would be a Buffer.
    read: async (position, length) => new Uint8Array(bytes.buffer, bytes.byteOffset + position, length),
  };
}

/** Bytes that are read one after the other, from any position on. */
export interface ByteStream {
  /** Length in bytes. */
  readonly size: number;
  /** The bytes from a position to the end, in pieces. */
  from(position: number): AsyncIterable<Uint8Array>;
}

/** Bytes read at a time. */
const pieceBytes = 1 << 20;

/** A range of a source as a stream. */
export function sourceStream(source: ByteSource, start: number, size: number): ByteStream {
  return {
    size,
    async *from(position) {
      for (let at = position; at < size; at += pieceBytes) {
        yield await source.read(start + at, Math.min(pieceBytes, size - at));
      }
    },
  };
}

/** What follows the first `count` bytes. */
export async function* skipBytes(pieces: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const piece of pieces) {
    if (left < piece.length) yield left === 0 ? piece : piece.subarray(left);
    left = Math.max(0, left - piece.length);
  }
}

/** The first `count` bytes, or as many as there are. */
export async function firstBytes(pieces: AsyncIterable<Uint8Array>, count: number): Promise<Uint8Array> {
  for await (const group of groupBytes(pieces, count)) return group;
  return new Uint8Array(0);
}

/**
 * The same bytes in groups of `length`; the last may be shorter. Memory: what has arrived of a group, whatever `length` is.
 */
export async function* groupBytes(pieces: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const piece of pieces) {
    let rest = piece;
    while (held + rest.length >= length) {
      const end = length - held;
      yield join([...parts, rest.subarray(0, end)]);
      rest = rest.subarray(end);
      parts = [];
      held = 0;
    }
    if (rest.length > 0) parts.push(rest);
    held += rest.length;
  }
  if (held > 0) yield join(parts);
}

/** One part is not copied. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : concatenate(parts);
}

/** Bytes one after the other, in memory of their own. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
