import { writeFileAtomic } from './atomic-file.js';
import { allocate, type ByteStream } from './byte-stream.js';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { openReader } from './file-source.js';
import { formatBytes, refuseForeign } from './foreign-file.js';
import { npyTensor, UnreadArrayError } from './npy.js';
import type { ArrayReader } from './npy-file.js';
import { npyRows, readNpyHeader } from './npy-rows.js';
import {
  checkArrays,
  formatNpz,
  type NpzReadOptions,
  type NpzWriteOptions,
  npzReadOptionsKinds,
  npzWriteOptionsKinds,
} from './npz.js';
import type { WritableTensors } from './safetensors.js';
import { byteLengthOf, type StoredTensor } from './stored.js';
import { isZip, readZipDirectory, UnreadMemberError } from './zip-reader.js';
import { zipStream } from './zip-stream.js';

/** An open `.npz` archive. Only its directory and the arrays' headers are in memory. */
export interface NpzReader {
  /** Arrays by name (without `.npy`), in the order of the archive. */
  readonly arrays: ReadonlyMap<string, ArrayReader>;
  /** Closes the file. */
  close(): Promise<void>;
}

/**
 * Opens a NumPy `.npz` archive of any size, in 32-bit or 64-bit zip format, with stored or deflated arrays. Data are read and
 * inflated on demand, in pieces. Checksums are compared when a whole array is read. Files that do not end in `.npy` are skipped.
 * An array of an element type that `parseNpy` does not support throws when its type or data are read. Close it afterwards.
 *
 * Memory: that of the data. Deflated data have at most 1032 times their bytes in the file, the limit of deflate.
 *
 * @throws IoError if the file is missing or not such an archive, or the header of an array is damaged.
 */
export async function openNpz(path: string): Promise<NpzReader> {
  checkArguments('openNpz', { path }, { path: 'string' });
  const { arrays, close } = await openArrays(path);
  return { arrays, close };
}

interface OpenArrays extends NpzReader {
  /** Arrays of unsupported element types. */
  readonly unread: ReadonlySet<string>;
}

function openArrays(path: string): Promise<OpenArrays> {
  const caller = `openNpz ('${path}')`;
  return openReader('openNpz', 'a NumPy archive', path, async (file) => {
    const first = await file.read(0, Math.min(file.size, formatBytes));
    if (!isZip(first)) refuseForeign(caller, 'a NumPy archive (.npz)', 'npz', first);
    const directory = await readZipDirectory(caller, file, true);
    checkArrays(caller, [...directory.members.keys()]);
    const arrays = new Map<string, ArrayReader>();
    const unread = new Set<string>();
    for (const [member, entry] of directory.members) {
      if (!member.endsWith('.npy')) continue;
      const name = member.slice(0, -4);
      try {
        arrays.set(name, await arrayReader(caller, member, await zipStream(caller, file, directory, entry)));
      } catch (error) {
        if (!(error instanceof UnreadArrayError || error instanceof UnreadMemberError)) throw error;
        arrays.set(name, refusingReader(error));
        unread.add(name);
      }
    }
    return { arrays, unread, close: () => file.close() };
  });
}

async function arrayReader(caller: string, name: string, stream: ByteStream): Promise<ArrayReader> {
  const header = await readNpyHeader(`${caller}, '${name}'`, stream);
  return {
    type: { dtype: header.dtype, shape: header.shape },
    read: async () => npyTensor(header, (await collect(caller, name, stream)).subarray(header.dataStart)),
    rows: (first, count) => npyRows(caller, `'${name}'`, header, stream, first, count),
  };
}

/** Reader of an unsupported array: every access throws the error. */
function refusingReader(error: IoError): ArrayReader {
  return {
    get type(): never {
      throw error;
    },
    read: () => Promise.reject(error),
    // biome-ignore lint/correctness/useYield: it only throws
    async *rows() {
      throw error;
    },
  };
}

/** Reads all bytes of a stream. The memory grows with the bytes that arrive, not with the declared size. */
async function collect(caller: string, name: string, { size, from }: ByteStream): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  let length = 0;
  for await (const piece of from(0)) {
    if (length + piece.length > bytes.length) {
      const room = Math.min(size, Math.max(2 * bytes.length, length + piece.length));
      const larger = allocate(caller, name, room, 'Read it row by row.');
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(piece, length);
    length += piece.length;
  }
  return bytes;
}

/**
 * Reads arrays of a NumPy `.npz` archive; see {@link openNpz} and the options of `parseNpz`.
 *
 * @throws IoError also if they exceed `maximumBytes`, or an array in `names` is missing.
 */
export async function readNpz(path: string, options: NpzReadOptions = {}): Promise<Map<string, StoredTensor>> {
  checkArguments('readNpz', { path, options }, { path: 'string', 'options?': npzReadOptionsKinds });
  const { maximumBytes = 2 ** 31, names } = options;
  const file = await openArrays(path);
  try {
    const members = Array.from(file.arrays.keys(), (name) => `${name}.npy`);
    checkArrays(`readNpz ('${path}')`, members, names);
    const read = new Map<string, StoredTensor>();
    let total = 0;
    for (const [name, array] of file.arrays) {
      if (names === undefined ? file.unread.has(name) : !names.includes(name)) continue;
      total += byteLengthOf(array.type) ?? 0;
      if (total > maximumBytes) {
        throw new IoError(
          `readNpz ('${path}'): expected at most ${maximumBytes} bytes of arrays, got ${total} or more. Raise maximumBytes.`,
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
