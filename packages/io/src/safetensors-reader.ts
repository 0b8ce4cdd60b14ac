import { sourceStream } from './byte-stream.js';
import { IoError } from './error.js';
import { type FileSource, openReader } from './file-source.js';
import { formatBytes, refuseForeign } from './foreign-file.js';
import {
  type HeaderEntry,
  parseHeader,
  parseHeaderLength,
  prefixBytes,
  type SafetensorsHeader,
} from './safetensors-header.js';
import {
  formatStoredType,
  rangeInBytes,
  type StoredTensor,
  type StoredType,
  storedTypeBytes,
  type UnreadType,
} from './stored.js';

/** An open safetensors file, or several with an index. Only the headers are in memory. */
export interface SafetensorsReader {
  /** Names in the order of the data in the file. */
  readonly names: readonly string[];
  /** Element types and shapes by name. */
  readonly types: ReadonlyMap<string, StoredType>;
  /** Tensors of unsupported types, such as C64 or F4, by name. Reading their data throws. */
  readonly unread: ReadonlyMap<string, UnreadType>;
  /** Free text by key, empty if there is none. For several files, the entries that all have in common. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Notes for the user on defects of the file or the index that do not affect the tensors. */
  readonly notes: readonly string[];
  /**
   * Reads a tensor into its own memory.
   * @throws IoError if the file has no tensor of this name, or has become shorter.
   */
  read(name: string): Promise<StoredTensor>;
  /**
   * Reads only `count` consecutive elements of a tensor from element `first`, in row-major order.
   * @returns A tensor of shape [count].
   * @throws IoError if there is no such tensor, it does not have these elements, or the file has become shorter.
   */
  readRange(name: string, first: number, count: number): Promise<StoredTensor>;
  /**
   * Streams the bytes of a tensor in pieces of at most 1 MiB, read on demand.
   * @throws IoError if the file has no tensor of this name, or has become shorter.
   */
  chunks(name: string): AsyncIterable<Uint8Array>;
  /** Closes the file. */
  close(): Promise<void>;
}

/**
 * Opens one safetensors file.
 *
 * @param caller Name of the function, for error messages.
 * @throws IoError if the file is missing or its header is refused.
 */
export function openSingleFile(caller: string, path: string): Promise<SafetensorsReader> {
  return openReader(caller, 'a safetensors file', path, async (file) => {
    const place = `${caller} ('${path}')`;
    const prefix = await file.read(0, Math.min(formatBytes, file.size));
    refuseForeign(place, 'a safetensors file', 'safetensors', prefix);
    const headerBytes = parseHeaderLength(place, prefix, file.size);
    const dataStart = prefixBytes + headerBytes;
    const bytes = await file.read(prefixBytes, headerBytes);
    return reader(file, caller, path, dataStart, parseHeader(place, bytes, file.size - dataStart));
  });
}

function reader(
  file: FileSource,
  caller: string,
  path: string,
  dataStart: number,
  { entries, unread, metadata }: SafetensorsHeader,
): SafetensorsReader {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const entryOf = (name: string): HeaderEntry =>
    byName.get(name) ?? noSuchTensor(caller, path, name, [...byName.keys()], unread);
  return {
    names: [...byName.keys()],
    types: byName,
    unread,
    metadata,
    notes: [],
    async read(name) {
      const { dtype, shape, begin, end } = entryOf(name);
      return { dtype, shape, bytes: await file.read(dataStart + begin, end - begin) };
    },
    async readRange(name, first, count) {
      const entry = entryOf(name);
      const { begin, length } = rangeInBytes(caller, entry, first, count, `'${name}' of '${path}'`);
      const bytes = await file.read(dataStart + entry.begin + begin, length);
      return { dtype: entry.dtype, shape: [count], bytes };
    },
    chunks(name) {
      const { begin, end } = entryOf(name);
      return sourceStream(file, dataStart + begin, end - begin).from(0);
    },
    close: () => file.close(),
  };
}

/** @throws IoError that names some of the file's tensors, or the unsupported type of this one. */
export function noSuchTensor(
  caller: string,
  path: string,
  name: string,
  names: readonly string[],
  unread: ReadonlyMap<string, UnreadType>,
): never {
  const type = unread.get(name);
  if (type !== undefined) throw unreadTensor(caller, `'${name}' of '${path}'`, type);
  const some = names.slice(0, 5).map((other) => `'${other}'`);
  throw new IoError(
    `${caller}: expected a tensor of '${path}', got the name '${name}'. ` +
      `Its ${names.length} tensors are ${some.join(', ')}${names.length > some.length ? ', ...' : ''}.`,
  );
}

/** Error for a tensor of an unsupported type. */
export function unreadTensor(caller: string, what: string, type: UnreadType): IoError {
  return new IoError(
    `${caller}: expected ${what} of one of the types ${Object.keys(storedTypeBytes).join(', ')}, got ${formatStoredType(type)}. ` +
      'Convert it in the program that wrote the file, such as tensor.float(), and save the file again.',
  );
}
