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

/** How {@link parseNpz} reads. */
export interface NpzReadOptions {
  /** Most bytes that the arrays may take together when unpacked; 2 GiB by default. */
  readonly maximumBytes?: number;
  /** The arrays that are read, by name; all by default, but for those of element types that are not read. */
  readonly names?: readonly string[];
}

/** Kinds of {@link NpzReadOptions}. */
export const npzReadOptionsKinds: KindsOf<NpzReadOptions> = { 'maximumBytes?': 'number', 'names?': 'string[]' };

/**
 * Reads a NumPy `.npz` archive from memory: arrays by name (without `.npy`), in the archive's order. Checksums are not
 * compared, as those of files are by `openNpz`. Arrays of element types that `parseNpy` does not read (objects, text, complex
 * and structured ones) are left out, unless `names` asks for them.
 *
 * @throws IoError if the archive is not valid, its arrays are larger than allowed, one that `names` has is missing, or an array
 * is refused by `parseNpy`.
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
            `parseNpz: expected at most ${maximumBytes} bytes of arrays, got more. Raise maximumBytes if the file is trusted.`,
          );
        }
        return true;
      },
    });
  } catch (error) {
    if (error instanceof IoError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new IoError(`parseNpz: expected a NumPy .npz archive, got other bytes (${reason}). The file is damaged.`);
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
 * @throws IoError if an array that is asked for is missing, or the archive has files, but no arrays.
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

/** How {@link formatNpz} writes. */
export interface NpzWriteOptions {
  /** Compresses the arrays, as `numpy.savez_compressed` does. */
  readonly compress?: boolean;
}

/** Kinds of {@link NpzWriteOptions}. */
export const npzWriteOptionsKinds: KindsOf<NpzWriteOptions> = { 'compress?': 'boolean' };

/**
 * A NumPy `.npz` archive in memory, arrays in the order given. The same arrays give the same bytes.
 *
 * @throws IoError where `formatNpy` does.
 */
export function formatNpz(tensors: WritableTensors, options: NpzWriteOptions = {}): Uint8Array {
  checkArguments('formatNpz', { tensors, options }, { tensors: 'Map | object', 'options?': npzWriteOptionsKinds });

  const files: Record<string, Uint8Array> = {};
  for (const [name, tensor] of namedTensors(tensors)) files[`${name}.npy`] = formatNpy(tensor);
  // The format counts years from 1980, in local time.
  return zipSync(files, { level: options.compress ? 6 : 0, mtime: new Date(1980, 0, 1) });
}

/**
 * The bytes of a NumPy `.npz` archive of any size, piece by piece, for streaming; arrays in the order given, uncompressed.
 *
 * @throws IoError if data are not as long as type and shape say, and where `formatNpy` does.
 */
export function npzChunks(tensors: Readonly<Record<string, ChunkedTensor>>): AsyncGenerator<Uint8Array> {
  checkArguments('npzChunks', { tensors }, { tensors: 'object' });

  const entries = Object.entries(tensors).map(([name, tensor]) => {
    const header = formatNpyHeader(tensor);
    const size = byteLengthOf(tensor);
    if (size === undefined)
      throw new IoError(`npzChunks: expected '${name}' of countable size, got [${tensor.shape}].`);
    return { name: `${name}.npy`, size: header.length + size, chunks: withHeader(header, tensor.chunks) };
  });
  return zipChunks(entries);
}

async function* withHeader(header: Uint8Array, chunks: ChunkedTensor['chunks']): AsyncGenerator<Uint8Array> {
  yield header;
  yield* chunks;
}
