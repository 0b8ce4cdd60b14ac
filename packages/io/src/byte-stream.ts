import { IoError } from './error.js';

/** A source of bytes that is read in ranges: a file or memory. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /**
   * Reads a range within the source.
   * @throws IoError if the source has become shorter, or there is no memory for them.
   */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** Creates a source from bytes in memory. Ranges are views of them. */
export function createMemorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    // `subarray` of a Node Buffer would return a Buffer.
    read: async (position, length) => new Uint8Array(bytes.buffer, bytes.byteOffset + position, length),
  };
}

/** A stream of bytes that starts at any position. */
export interface ByteStream {
  /** Length in bytes. */
  readonly size: number;
  /** Reads from a position to the end, in pieces. */
  from(position: number): AsyncIterable<Uint8Array>;
}

/** Bytes read at a time. */
const pieceBytes = 1 << 20;

/** Creates a stream from a range of a source. */
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

/** Skips the first `count` bytes. */
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
 * Groups bytes into pieces of `length`. The last may be shorter. Memory: only the bytes of a group that have arrived.
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

/** Joins parts. A single part is not copied. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : concatenate(parts);
}

/**
 * Allocates bytes for a file.
 * @param remedy Sentence for the error message.
 * @throws IoError if there is not enough memory.
 */
export function allocate(caller: string, path: string, length: number, remedy: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new IoError(`${caller}: expected memory for ${length} bytes of '${path}', got none. ${remedy}`);
  }
}

/** Concatenates bytes into new memory. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
