import { concatenate } from './byte-stream.js';
import { IoError } from './error.js';

/** A file to write to an archive. Its bytes arrive in pieces. */
export interface ZipEntry {
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * CRC tables: entry [256 k + byte] is the effect of a byte that k further bytes follow. Eight tables process eight bytes at a
 * time ("slicing by 8", Kounavis and Berry 2005), which is several times faster than byte by byte.
 */
const crcTables = new Uint32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  crcTables[byte] = rest;
}
for (let i = 256; i < crcTables.length; i++) {
  const before = crcTables[i - 256] as number;
  crcTables[i] = (before >>> 8) ^ (crcTables[before & 255] as number);
}

/** Continues a CRC-32 with further bytes. The CRC-32 of no bytes is 0. */
export function crc32(bytes: Uint8Array, crc: number): number {
  const tables = crcTables;
  const whole = bytes.length - (bytes.length % 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let rest = ~crc;
  for (let i = 0; i < whole; i += 8) {
    const low = view.getUint32(i, true) ^ rest;
    const high = view.getUint32(i + 4, true);
    rest =
      (tables[1792 + (low & 255)] as number) ^
      (tables[1536 + ((low >>> 8) & 255)] as number) ^
      (tables[1280 + ((low >>> 16) & 255)] as number) ^
      (tables[1024 + (low >>> 24)] as number) ^
      (tables[768 + (high & 255)] as number) ^
      (tables[512 + ((high >>> 8) & 255)] as number) ^
      (tables[256 + ((high >>> 16) & 255)] as number) ^
      (tables[high >>> 24] as number);
  }
  for (let i = whole; i < bytes.length; i++) {
    rest = (tables[(rest ^ (bytes[i] as number)) & 255] as number) ^ (rest >>> 8);
  }
  return ~rest >>> 0;
}

/** Encodes whole numbers of 2, 4 or 8 bytes, little-endian. */
function fields(...values: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let position = 0;
  for (const [width, value] of values) {
    if (width === 2) view.setUint16(position, value, true);
    else if (width === 4) view.setUint32(position, value, true);
    else view.setBigUint64(position, BigInt(value), true);
    position += width;
  }
  return bytes;
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => concatenate(parts);

/** Value of a 32-bit field that refers to the 64-bit field. */
const in64Bits = 0xffffffff;

/** Fields that local and central headers share. */
const common = [
  [2, 45], // version 4.5, the first with 64-bit sizes
  [2, 0x0808], // the CRC follows the data, and the name is UTF-8
  [2, 0], // not compressed
  [2, 0], // midnight of
  [2, 0x21], // 1980-01-01, so that the same files give the same archive
] as const;

/** Padding before the data, as in PyTorch: a header field that readers ignore. */
function padding(bytes: number): Uint8Array {
  return bytes === 0 ? new Uint8Array(0) : join(fields([2, 0x4246], [2, bytes - 4]), new Uint8Array(bytes - 4));
}

/**
 * Streams a zip archive of uncompressed files of any size. Only one piece is in memory. The archive is in 64-bit format, with
 * CRCs after the data (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).
 *
 * @param alignment Alignment of the data of each file in bytes, at most 32,768.
 * @throws IoError if a file does not have its declared length.
 */
export async function* zipChunks(entries: Iterable<ZipEntry>, alignment = 1): AsyncGenerator<Uint8Array> {
  const directory: Uint8Array[] = [];
  let position = 0;
  for (const { name, size, chunks } of entries) {
    const path = new TextEncoder().encode(name);
    const start = position;
    const unpadded = start + 50 + path.length;
    let missing = (alignment - (unpadded % alignment)) % alignment;
    while (missing > 0 && missing < 4) missing += alignment; // a field has at least 4 bytes
    const filler = padding(missing);
    const header = join(
      fields([4, 0x04034b50], ...common, [4, 0], [4, in64Bits], [4, in64Bits], [2, path.length]),
      fields([2, 20 + filler.length]),
      path,
      fields([2, 1], [2, 16], [8, size], [8, size]),
      filler,
    );
    yield header;
    let crc = 0;
    let length = 0;
    for await (const chunk of chunks) {
      crc = crc32(chunk, crc);
      length += chunk.length;
      yield chunk;
    }
    if (length !== size) {
      throw new IoError(
        `zipChunks: expected ${size} bytes of '${name}', got ${length}. Pass pieces of this length in total.`,
      );
    }
    const descriptor = fields([4, 0x08074b50], [4, crc], [8, size], [8, size]);
    yield descriptor;
    position += header.length + size + descriptor.length;
    const listed = join(
      fields([4, 0x02014b50], [2, 45], ...common, [4, crc], [4, in64Bits], [4, in64Bits], [2, path.length], [2, 28]),
      fields([2, 0], [2, 0], [2, 0], [4, 0], [4, in64Bits]), // no comment, first disk, no attributes
      path,
      fields([2, 1], [2, 24], [8, size], [8, size], [8, start]),
    );
    directory.push(listed);
  }
  const listing = join(...directory);
  yield join(listing, endOfArchive(directory.length, position, listing.length));
}

/** Records that end an archive: the position of its directory, in 64 and in 32 bits. */
function endOfArchive(files: number, start: number, bytes: number): Uint8Array {
  return join(
    fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, files], [8, files], [8, bytes], [8, start]),
    fields([4, 0x07064b50], [4, 0], [8, start + bytes], [4, 1]),
    fields(
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, Math.min(files, 0xffff)],
      [2, Math.min(files, 0xffff)],
      [4, in64Bits],
      [4, in64Bits],
      [2, 0],
    ),
  );
}
