import { writeFileAtomic } from './atomic-file.js';
import { sourceStream } from './byte-stream.js';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { type FileSource, openFile, openReader } from './file-source.js';
import { formatBytes } from './foreign-file.js';
import {
  formatNpy,
  type NpyHeader,
  type NpyOptions,
  npyDataStart,
  npyOptionsKinds,
  npyTensor,
  parseNpy,
  parseNpyHeader,
} from './npy.js';
import { npyRows } from './npy-rows.js';
import { type HostTensor, rangeInBytes, type StoredTensor, type StoredType, storedTensorKinds } from './stored.js';

/** An array in a file. Only its header is in memory. */
export interface ArrayReader {
  readonly type: StoredType;
  /** Reads the array in the form of `parseNpy`. */
  read(): Promise<StoredTensor>;
  /**
   * Reads `count` rows from row `first` in pieces: tensors [n, ...] of about 4 MiB, in C order.
   * @throws IoError if the array does not have these rows, or the file is damaged.
   */
  rows(first: number, count: number): AsyncIterable<StoredTensor>;
}

/** An open `.npy` file. */
export interface NpyReader extends ArrayReader {
  /**
   * Reads only `count` consecutive elements from element `first`, in row-major order.
   * @returns A tensor of shape [count].
   * @throws IoError if the array does not have these elements, is in Fortran order, or the file has become shorter.
   */
  readRange(first: number, count: number): Promise<StoredTensor>;
  /** Closes the file. */
  close(): Promise<void>;
}

/**
 * Opens a NumPy `.npy` file of any size and reads its header. The array is read on demand. Close the file afterwards.
 *
 * @throws IoError if the file is missing, or its header is refused: see `parseNpy`.
 */
export async function openNpy(path: string): Promise<NpyReader> {
  checkArguments('openNpy', { path }, { path: 'string' });
  return openReader('openNpy', 'a NumPy file', path, async (file) => {
    const caller = `openNpy ('${path}')`;
    const begin = await file.read(0, Math.min(file.size, formatBytes));
    const dataStart = npyDataStart(caller, begin, file.size);
    const head = dataStart <= begin.length ? begin.subarray(0, dataStart) : await file.read(0, dataStart);
    return npyReader(file, path, parseNpyHeader(caller, head, file.size));
  });
}

function npyReader(file: FileSource, path: string, header: NpyHeader): NpyReader {
  const { dtype, shape, dataStart } = header;
  return {
    type: { dtype, shape },
    read: async () => npyTensor(header, await file.read(dataStart, file.size - dataStart)),
    rows: (first, count) => npyRows('openNpy', `'${path}'`, header, sourceStream(file, 0, file.size), first, count),
    async readRange(first, count) {
      const { begin, length } = rangeInBytes('openNpy', header, first, count, `'${path}'`);
      if (header.fortranOrder && shape.filter((size) => size > 1).length > 1) {
        throw new IoError(
          `openNpy: expected an array in C order in '${path}', got Fortran order. Save it with numpy.ascontiguousarray.`,
        );
      }
      const bytes = await file.read(dataStart + begin, length);
      return npyTensor({ ...header, shape: [count], fortranOrder: false }, bytes);
    },
    close: () => file.close(),
  };
}

/** Reads a NumPy `.npy` file of at most 2 GiB; see `parseNpy`. @throws IoError for a damaged file. */
export async function readNpy(path: string): Promise<StoredTensor> {
  checkArguments('readNpy', { path }, { path: 'string' });
  const file = await openFile('readNpy', 'a NumPy file', path);
  try {
    return parseNpy(await file.read(0, file.size));
  } finally {
    await file.close();
  }
}

/** Writes a NumPy `.npy` file atomically; see `formatNpy`. @throws IoError for data that do not fit their type. */
export async function writeNpy(path: string, tensor: HostTensor | StoredTensor, options?: NpyOptions): Promise<void> {
  checkArguments(
    'writeNpy',
    { path, tensor, options },
    { path: 'string', tensor: ['HostTensor', storedTensorKinds], 'options?': npyOptionsKinds },
  );
  await writeFileAtomic(path, formatNpy(tensor, options));
}
