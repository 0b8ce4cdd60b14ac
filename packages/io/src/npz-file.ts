import { writeFileAtomic } from './atomic-file.js';
import type { ByteStream } from './byte-stream.js';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { openFile } from './file-source.js';
import { npyTensor } from './npy.js';
import type { ArrayReader } from './npy-file.js';
import { npyRows, readNpyHeader } from './npy-rows.js';
import {
  formatNpz,
  type NpzReadOptions,
  type NpzWriteOptions,
  npzReadOptionsKinds,
  npzWriteOptionsKinds,
} from './npz.js';
import type { WritableTensors } from './safetensors.js';
import { byteLengthOf, type StoredTensor } from './stored.js';
import { readZipDirectory } from './zip-reader.js';
import { zipStream } from './zip-stream.js';

/** An open `.npz` archive, of which only the directory and the arrays' headers have been read. */
export interface NpzReader {
  /** Arrays by name (without `.npy`), in the archive's order. */
  readonly arrays: ReadonlyMap<string, ArrayReader>;
  /** Closes the file. */
  close(): Promise<void>;
}

/**
 * Opens a NumPy `.npz` archive of any size, in the zip format's 32-bit or 64-bit form, with arrays stored or deflated. Their
 * data are read when asked for, and unpacked piece by piece. Checksums are compared when all of an array is read. Files
 * in the archive that do not end in `.npy` are passed over. Close it afterwards.
 *
 * Memory: what the data take, of deflated ones at most 1032 times their bytes in the file, which is what deflate can do.
 *
 * @throws IoError if there is no file, it is no such archive, or an array is refused by `parseNpy`.
 */
export async function openNpz(path: string): Promise<NpzReader> {
  checkArguments('openNpz', { path }, { path: 'string' });

  const caller = `openNpz ('${path}')`;
  const file = await openFile('openNpz', 'a NumPy archive', path);
  try {
    const directory = await readZipDirectory(caller, file, { deflated: true });
    const arrays = new Map<string, ArrayReader>();
    for (const [name, member] of directory.members) {
      if (!name.endsWith('.npy')) continue;
      arrays.set(name.slice(0, -4), await arrayReader(caller, name, await zipStream(caller, file, directory, member)));
    }
    return { arrays, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function arrayReader(caller: string, name: string, stream: ByteStream): Promise<ArrayReader> {
  const header = await readNpyHeader(`${caller}, '${name}'`, stream);
  return {
    type: { dtype: header.dtype, shape: header.shape },
    read: async () => npyTensor(header, (await collect(caller, name, stream)).subarray(header.dataStart)),
    rows: (first, count) => npyRows(caller, `'${name}'`, header, stream, first, count),
  };
}

/** All bytes of a stream. Room for them grows with what arrives, not with what the archive says. */
async function collect(caller: string, name: string, { size, from }: ByteStream): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  let length = 0;
  for await (const piece of from(0)) {
    if (length + piece.length > bytes.length) {
      const larger = allocate(caller, name, Math.min(size, Math.max(2 * bytes.length, length + piece.length)));
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(piece, length);
    length += piece.length;
  }
  return bytes;
}

function allocate(caller: string, name: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new IoError(`${caller}: expected memory for ${length} bytes of '${name}', got none. Read it row by row.`);
  }
}

/**
 * Reads all arrays of a NumPy `.npz` archive; see {@link openNpz}.
 *
 * @throws IoError also if they take more than `maximumBytes`.
 */
export async function readNpz(path: string, options: NpzReadOptions = {}): Promise<Map<string, StoredTensor>> {
  checkArguments('readNpz', { path, options }, { path: 'string', 'options?': npzReadOptionsKinds });

  const { maximumBytes = 2 ** 31 } = options;
  const file = await openNpz(path);
  try {
    const read = new Map<string, StoredTensor>();
    let total = 0;
    for (const [name, array] of file.arrays) {
      total += byteLengthOf(array.type) ?? 0;
      if (total > maximumBytes) {
        throw new IoError(
          `readNpz ('${path}'): expected at most ${maximumBytes} bytes of arrays, got more. Raise maximumBytes.`,
        );
      }
      read.set(name, await array.read());
    }
    return read;
  } finally {
    await file.close();
  }
}

/**
 * Writes a NumPy `.npz` archive of arrays in memory atomically; see `formatNpz`.
 *
 * @throws IoError for data that do not fit their type.
 */
export async function writeNpz(path: string, tensors: WritableTensors, options?: NpzWriteOptions): Promise<void> {
  checkArguments(
    'writeNpz',
    { path, tensors, options },
    { path: 'string', tensors: 'Map | object', 'options?': npzWriteOptionsKinds },
  );

  await writeFileAtomic(path, formatNpz(tensors, options));
}
