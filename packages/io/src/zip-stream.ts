import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { type ByteSource, type ByteStream, sourceStream } from './byte-stream.js';
import { codeOf, IoError } from './error.js';
import { crc32 } from './zip.js';
import { findZipData, type ZipDirectory, type ZipMember } from './zip-reader.js';

/**
 * Opens a file of an archive as a stream. A deflated file is inflated from its start, in pieces, and bytes before the position are
 * skipped. Length and checksum are compared when the whole file has been read.
 *
 * @throws IoError if the archive is damaged or, while reading, the file is.
 */
export async function zipStream(
  caller: string,
  source: ByteSource,
  directory: ZipDirectory,
  member: ZipMember,
): Promise<ByteStream> {
  const { name, size, storedSize, deflated, crc } = member;
  const start = await findZipData(caller, source, directory, member);
  const stored = sourceStream(source, start, storedSize);
  const refuse = (expected: string, got: string | number): never => {
    throw new IoError(`${caller}: expected ${expected} of '${name}', got ${got}. The file is damaged.`);
  };

  async function* unpacked(): AsyncGenerator<Uint8Array> {
    const inflate = createInflateRaw({ chunkSize: 1 << 16 });
    const packed = Readable.from(stored.from(0));
    packed.on('error', (error) => inflate.destroy(error));
    try {
      // Errors of the disk name the file. Those of zlib do not.
      for await (const piece of packed.pipe(inflate) as AsyncIterable<Buffer>) {
        yield new Uint8Array(piece.buffer, piece.byteOffset, piece.length);
      }
    } catch (error) {
      if (!String(codeOf(error)).startsWith('Z_')) throw error;
      refuse('deflated data', (error as Error).message);
    } finally {
      packed.destroy();
      inflate.destroy();
    }
  }

  async function* checked(position: number): AsyncGenerator<Uint8Array> {
    let done = 0;
    let found = 0;
    for await (const piece of deflated ? unpacked() : stored.from(0)) {
      if (done + piece.length > size) refuse(`${size} bytes`, `${done + piece.length} or more`);
      found = crc32(piece, found);
      const from = Math.min(piece.length, Math.max(0, position - done));
      done += piece.length;
      if (done === size && found !== crc) refuse(`the checksum ${crc}`, found);
      if (from < piece.length) yield piece.subarray(from);
    }
    if (done !== size) refuse(`${size} bytes`, done);
  }

  return { size, from: (position) => (deflated || position === 0 ? checked(position) : stored.from(position)) };
}
