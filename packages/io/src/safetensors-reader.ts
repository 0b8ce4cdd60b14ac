import { sourceStream } from './byte-stream.js';
import { IoError } from './error.js';
import { type FileSource, openFile } from './file-source.js';
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

/** An open safetensors file, or several with an index, of which only the headers have been read. */
export interface SafetensorsReader {
  /** Names in the order of the data in the file. */
  readonly names: readonly string[];
  /** Element types and shapes by name. */
  readonly types: ReadonlyMap<string, StoredType>;
  /** Tensors of types that are not read, such as C64 or F4, by name: asking for their data is an error. */
  readonly unread: ReadonlyMap<string, UnreadType>;
  /** Free text by key, empty if the file has none. Of several files, what they have in common. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What is wrong with the file or the index without touching the tensors, as sentences for the user. */
  readonly notes: readonly string[];
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
  /**
   * The bytes of one tensor in pieces of at most 1 MiB, each read when asked for.
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
 * @throws IoError if there is no file, or its header is refused.
 */
export async function openSingleFile(caller: string, path: string): Promise<SafetensorsReader> {
  const file = await openFile(caller, 'a safetensors file', path);
  try {
    const place = `${caller} ('${path}')`;
    const prefix = await file.read(0, Math.min(formatBytes, file.size));
    refuseForeign(place, 'a safetensors file', 'safetensors', prefix);
    const headerBytes = parseHeaderLength(place, prefix, file.size);
    const dataStart = prefixBytes + headerBytes;
    const bytes = await file.read(prefixBytes, headerBytes);
    return reader(file, caller, path, dataStart, parseHeader(place, bytes, file.size - dataStart));
  } catch (error) {
    await file.close();
    throw error;
  }
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

/** @throws IoError that names some of the tensors that there are, or the type of this one if it is not read. */
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

/** The error for a tensor of a type that is not read. */
export function unreadTensor(caller: string, what: string, type: UnreadType): IoError {
  return new IoError(
    `${caller}: expected ${what} of one of the types ${Object.keys(storedTypeBytes).join(', ')}, got ${formatStoredType(type)}. ` +
      'Convert it in the program that wrote the file, such as tensor.float(), and save the file again.',
  );
}
