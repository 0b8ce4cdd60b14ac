import type { KindsOf } from '@dpar/check';
import { unzipSync, zipSync } from 'fflate';
import { checkArguments } from './check-arguments.js';
import type { ChunkedTensor } from './chunks.js';
import { IoError } from './error.js';
import { refuseForeign } from './foreign-file.js';
import { formatNpy, formatNpyHeader, parseNpy, UnreadArrayError } from './npy.js';
import { namedTensors, type WritableTensors } from './safetensors.js';
import { byteLengthOf, type StoredTensor } from './stored.js';
import { zipChunks } from './zip.js';
import { isZip, largestDeflateRatio } from './zip-reader.js';

/** Options of {@link parseNpz}. */
export interface NpzReadOptions {
  /** Most bytes of all arrays together when inflated. Default: 2 GiB. */
  readonly maximumBytes?: number;
  /** Names of the arrays to read. Default: all of supported element types. */
  readonly names?: readonly string[];
}

export const npzReadOptionsKinds: KindsOf<NpzReadOptions> = { 'maximumBytes?': 'number', 'names?': 'string[]' };

/**
 * Parses a NumPy `.npz` archive in memory: arrays by name (without `.npy`), in the order of the archive. Unlike `openNpz`, it
 * does not compare checksums. Arrays of unsupported element types (objects, text, complex, structured) are skipped, unless they
 * are in `names`.
 *
 * @throws IoError if the archive is invalid, its arrays are too large, an array in `names` is missing, or `parseNpy` refuses an
 * array.
 */
export function parseNpz(bytes: Uint8Array, options: NpzReadOptions = {}): Map<string, StoredTensor> {
  checkArguments('parseNpz', { bytes, options }, { bytes: 'Uint8Array', 'options?': npzReadOptionsKinds });
  const { maximumBytes = 2 ** 31, names } = options;
  if (!isZip(bytes)) refuseForeign('parseNpz', 'a NumPy archive (.npz)', 'npz', bytes);
  let total = 0;
  const others: string[] = [];
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter: ({ name, originalSize, size }) => {
        if (!name.endsWith('.npy') || names?.includes(name.slice(0, -4)) === false) {
          others.push(name);
          return false;
        }
        if (originalSize > largestDeflateRatio * size) {
          throw new IoError(
            `parseNpz: expected '${name}' to have at most ${largestDeflateRatio} times its ${size} bytes in the file, ` +
              `got ${originalSize}. The file is damaged.`,
          );
        }
        total += originalSize;
        if (total > maximumBytes) {
          throw new IoError(
            `parseNpz: expected at most ${maximumBytes} bytes of arrays, got ${total} or more. Raise maximumBytes if the file is trusted.`,
          );
        }
        return true;
      },
    });
  } catch (error) {
    if (error instanceof IoError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new IoError(`parseNpz: expected a NumPy .npz archive, got an invalid one (${reason}). The file is damaged.`);
  }
  const arrays = new Map<string, StoredTensor>();
  for (const [member, file] of Object.entries(files)) {
    try {
      arrays.set(member.slice(0, -4), parseNpy(file));
    } catch (error) {
      if (!(error instanceof UnreadArrayError) || names !== undefined) throw error;
    }
  }
  checkArrays('parseNpz', [...Object.keys(files), ...others], names);
  return arrays;
}

/**
 * @param members Names of all files in an archive.
 * @throws IoError if an array in `names` is missing, or the archive has files but no arrays.
 */
export function checkArrays(caller: string, members: readonly string[], names: readonly string[] = []): void {
  const missing = names.find((name) => !members.includes(`${name}.npy`));
  const some = members.slice(0, 5).join(', ') + (members.length > 5 ? ', ...' : '');
  if (missing !== undefined) {
    throw new IoError(
      `${caller}: expected an array '${missing}' in the archive, got ${some || 'none'}. Check the name.`,
    );
  }
  if (members.length > 0 && !members.some((name) => name.endsWith('.npy'))) {
    throw new IoError(
      `${caller}: expected a NumPy archive (.npz) of arrays (.npy), got ` +
        `${members.some((name) => name.endsWith('data.pkl')) ? 'a PyTorch file' : 'a zip archive'}, ${some}. ` +
        'Pass a file that numpy.savez wrote.',
    );
  }
}

/** Options of {@link formatNpz}. */
export interface NpzWriteOptions {
  /** Compresses the arrays, as `numpy.savez_compressed` does. */
  readonly compress?: boolean;
}

export const npzWriteOptionsKinds: KindsOf<NpzWriteOptions> = { 'compress?': 'boolean' };

/**
 * Formats a NumPy `.npz` archive in memory, with arrays in the given order. The same arrays give the same bytes.
 *
 * @throws the errors of `formatNpy`.
 */
export function formatNpz(tensors: WritableTensors, options: NpzWriteOptions = {}): Uint8Array {
  checkArguments('formatNpz', { tensors, options }, { tensors: 'Map | object', 'options?': npzWriteOptionsKinds });
  const files: Record<string, Uint8Array> = {};
  for (const [name, tensor] of namedTensors(tensors)) files[`${name}.npy`] = formatNpy(tensor);
  // The format counts years from 1980, in local time.
  return zipSync(files, { level: options.compress ? 6 : 0, mtime: new Date(1980, 0, 1) });
}

/**
 * Streams the bytes of a NumPy `.npz` archive of any size, with uncompressed arrays in the given order.
 *
 * @throws IoError if the length of data does not match type and shape, and the errors of `formatNpy`.
 */
export function npzChunks(tensors: Readonly<Record<string, ChunkedTensor>>): AsyncGenerator<Uint8Array> {
  checkArguments('npzChunks', { tensors }, { tensors: 'object' });
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    const header = formatNpyHeader(tensor);
    const size = byteLengthOf(tensor);
    if (size === undefined)
      throw new IoError(`npzChunks: expected '${name}' of countable size, got [${tensor.shape}]. Check the shape.`);
    return { name: `${name}.npy`, size: header.length + size, chunks: withHeader(header, tensor.chunks) };
  });
  return zipChunks(entries);
}

async function* withHeader(header: Uint8Array, chunks: ChunkedTensor['chunks']): AsyncGenerator<Uint8Array> {
  yield header;
  yield* chunks;
}
