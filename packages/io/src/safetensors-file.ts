import { writeFileAtomic } from './atomic-file.js';
import { IoError } from './error.js';
import { type FileSource, openFile } from './file-source.js';
import {
  type SafetensorsContent,
  type SafetensorsOptions,
  type StreamedTensors,
  safetensorsStream,
} from './safetensors.js';
import { type HeaderEntry, parseHeader, parseHeaderLength, prefixBytes } from './safetensors-header.js';
import type { StoredTensor, StoredType } from './stored.js';
import { rangeInBytes } from './stored-range.js';

/** An open safetensors file, of which only the header has been read. */
export interface SafetensorsReader {
  /** Names in the order of the data in the file. */
  readonly names: readonly string[];
  /** Element types and shapes by name. */
  readonly types: ReadonlyMap<string, StoredType>;
  /** Free text by key, empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Reads one tensor into memory of its own.
   * @throws IoError if the file has no tensor of this name, or has become shorter.
   */
  read(name: string): Promise<StoredTensor>;
  /**
   * Reads consecutive elements of one tensor, `count` from `first` on in row-major order, and nothing else of the file.
   * @returns A tensor of the shape [count].
   * @throws IoError if the file has no such tensor or the tensor not these elements, or the file has become shorter.
   */
  readRange(name: string, first: number, count: number): Promise<StoredTensor>;
  /** Closes the file. */
  close(): Promise<void>;
}

/**
 * Opens a safetensors file of any size, reads its header, and reads tensors when asked for. Close it afterwards.
 *
 * @throws IoError if there is no file, or its header is refused: see `parseSafetensors`.
 */
export async function openSafetensors(path: string): Promise<SafetensorsReader> {
  const file = await openFile('openSafetensors', 'a safetensors file', path);
  try {
    const caller = `openSafetensors ('${path}')`;
    const prefix = await file.read(0, Math.min(prefixBytes, file.size));
    const headerBytes = parseHeaderLength(caller, prefix, file.size);
    const dataStart = prefixBytes + headerBytes;
    const bytes = await file.read(prefixBytes, headerBytes);
    const { entries, metadata } = parseHeader(caller, bytes, file.size - dataStart);
    return reader(file, path, dataStart, entries, metadata);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function reader(
  file: FileSource,
  path: string,
  dataStart: number,
  entries: readonly HeaderEntry[],
  metadata: Readonly<Record<string, string>>,
): SafetensorsReader {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const entryOf = (name: string): HeaderEntry => {
    const entry = byName.get(name);
    if (entry !== undefined) return entry;
    const some = entries.slice(0, 5).map((other) => `'${other.name}'`);
    throw new IoError(
      `openSafetensors: expected a tensor of '${path}', got the name '${name}'. ` +
        `Its ${entries.length} tensors are ${some.join(', ')}${entries.length > some.length ? ', ...' : ''}.`,
    );
  };
  return {
    names: [...byName.keys()],
    types: byName,
    metadata,
    async read(name) {
      const entry = entryOf(name);
      const { dtype, shape, begin, end } = entry;
      return { dtype, shape, bytes: await file.read(dataStart + begin, end - begin) };
    },
    async readRange(name, first, count) {
      const entry = entryOf(name);
      const { begin, length } = rangeInBytes('openSafetensors', entry, first, count, `'${name}' of '${path}'`);
      const bytes = await file.read(dataStart + entry.begin + begin, length);
      return { dtype: entry.dtype, shape: [count], bytes };
    },
    close: () => file.close(),
  };
}

/**
 * Reads a whole safetensors file of any size. Each tensor has memory of its own, aligned for its element type.
 *
 * @throws IoError if there is no file, or it is refused: see `parseSafetensors`.
 */
export async function readSafetensors(path: string): Promise<SafetensorsContent> {
  const file = await openSafetensors(path);
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const name of file.names) tensors.set(name, await file.read(name));
    return { tensors, metadata: file.metadata };
  } finally {
    await file.close();
  }
}

/**
 * Writes a safetensors file of any size, atomically and without a copy of it in memory. The same tensors give the same
 * bytes; float32 tensors in memory are written as `options.dtype` says, others as they are.
 *
 * @throws IoError if a tensor's data do not fit its shape or a name is reserved.
 */
export async function writeSafetensors(
  path: string,
  tensors: StreamedTensors,
  options: SafetensorsOptions = {},
): Promise<void> {
  await writeFileAtomic(path, safetensorsStream(tensors, options));
}
