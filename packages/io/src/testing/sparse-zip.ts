import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from '../zip.js';

/** A file in an archive: bytes, or a number of zeros that take no room on the disk. */
type Content = Uint8Array | number;

/** Writes a zip archive of uncompressed files in the 64-bit form, as a sparse file; checksums of zeros are left out. */
export async function writeSparseZip(path: string, members: Readonly<Record<string, Content>>): Promise<void> {
  const handle = await open(path, 'w');
  try {
    const directory: Buffer[] = [];
    let position = 0;
    for (const [name, content] of Object.entries(members)) {
      const size = typeof content === 'number' ? content : content.length;
      directory.push(centralRecord(name, size, position, typeof content === 'number' ? 0 : crc32(content, 0)));
      const header = localRecord(name, size);
      await write(handle, header, position);
      if (typeof content !== 'number') await write(handle, content, position + header.length);
      position += header.length + size;
    }
    const listing = Buffer.concat(directory);
    await write(handle, listing, position);
    await write(handle, endRecords(directory.length, listing.length, position), position + listing.length);
  } finally {
    await handle.close();
  }
}

async function write(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  await handle.write(bytes, 0, bytes.length, position);
}

/** Numbers of 2, 4 or 8 bytes, little-endian. */
function numbers(...values: readonly (readonly [width: 2 | 4 | 8, value: number])[]): Buffer {
  return Buffer.concat(
    values.map(([width, value]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, width);
    }),
  );
}

const elsewhere = 0xffffffff;
/** Fields that local and central records share. */
const common = (crc: number) =>
  [
    [2, 45],
    [2, 0],
    [2, 0],
    [4, 0],
    [4, crc],
    [4, elsewhere],
    [4, elsewhere],
  ] as const;

function localRecord(name: string, size: number): Buffer {
  return Buffer.concat([
    numbers([4, 0x04034b50], ...common(0), [2, name.length], [2, 20]),
    Buffer.from(name),
    numbers([2, 1], [2, 16], [8, size], [8, size]),
  ]);
}

function centralRecord(name: string, size: number, position: number, crc: number): Buffer {
  return Buffer.concat([
    numbers(
      [4, 0x02014b50],
      [2, 45],
      ...common(crc),
      [2, name.length],
      [2, 28],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, elsewhere],
    ),
    Buffer.from(name),
    numbers([2, 1], [2, 24], [8, size], [8, size], [8, position]),
  ]);
}

function endRecords(files: number, length: number, start: number): Buffer {
  return Buffer.concat([
    numbers(
      [4, 0x06064b50],
      [8, 44],
      [2, 45],
      [2, 45],
      [4, 0],
      [4, 0],
      [8, files],
      [8, files],
      [8, length],
      [8, start],
    ),
    numbers([4, 0x07064b50], [4, 0], [8, start + length], [4, 1]),
    numbers([4, 0x06054b50], [2, 0], [2, 0], [2, 0xffff], [2, 0xffff], [4, elsewhere], [4, elsewhere], [2, 0]),
  ]);
}
