import { compareCodePoints } from './code-points.js';
import { IoError } from './error.js';
import { isObject, parseJsonObject } from './json.js';
import { byteLengthOf, formatStoredType, isCount, isStoredDType, type StoredType, type UnreadType } from './stored.js';

/** Longest header read or written, in bytes; the limit of the reference library, far above real headers (1 MB). */
export const maximumHeaderBytes = 100_000_000;

/** Bytes before the header: its length, a little-endian 64-bit number. */
export const prefixBytes = 8;

/** Where the data of one tensor lie, in bytes from the end of the header. */
export interface HeaderEntry extends StoredType {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** A tensor of a type that is not read: what it is, and where its data lie. */
interface UnreadEntry extends UnreadType {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** Names of element types: those of the format so far, such as F4, F6_E2M3, F8_E8M0 and C64, and of those to come. */
const typeName = /^[A-Z][A-Z0-9_]{0,31}$/;

/** A header's content: entries in the order of their data, and free text by key. */
export interface SafetensorsHeader {
  /** Tensors that are read, and further names of them. */
  readonly entries: readonly HeaderEntry[];
  /** Tensors of types that are not read, such as C64 or F4, by name. */
  readonly unread: ReadonlyMap<string, UnreadType>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the length of the header from a file's first 8 bytes.
 *
 * @param fileBytes Length of the whole file.
 * @throws IoError if the header would be longer than the file or than {@link maximumHeaderBytes}.
 */
export function parseHeaderLength(caller: string, prefix: Uint8Array, fileBytes: number): number {
  if (fileBytes < prefixBytes || prefix.length < prefixBytes) {
    throw new IoError(
      `${caller}: expected a safetensors file of at least 8 bytes, got ${fileBytes}. The file is cut off.`,
    );
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true);
  if (length > maximumHeaderBytes || length > fileBytes - prefixBytes) {
    throw new IoError(
      `${caller}: expected a safetensors header of at most ${Math.min(maximumHeaderBytes, fileBytes - prefixBytes)} bytes ` +
        `in this file of ${fileBytes}, got the length ${length}. The file is cut off or of another format.`,
    );
  }
  return Number(length);
}

/**
 * Reads a header and checks that its tensors fill the data part without overlap, hole or rest. A tensor that `metadata` names
 * as another one's alias, as `safetensors.torch.save_model` does for tensors that share their data, has an entry as well.
 *
 * @param dataBytes Length of the data part.
 * @throws IoError if anything is not as the format demands.
 */
export function parseHeader(caller: string, bytes: Uint8Array, dataBytes: number): SafetensorsHeader {
  if (bytes[0] !== 0x7b) {
    const got = bytes.length === 0 ? 'none' : `the byte ${bytes[0]}`;
    throw new IoError(
      `${caller}: expected a safetensors header that begins with '{', got ${got}. The file is of another format.`,
    );
  }
  const json = parseJsonObject(caller, 'the safetensors header', bytes);
  const all: (HeaderEntry | UnreadEntry)[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = parseMetadata(caller, value);
    else all.push(parseEntry(caller, name, value));
  }
  all.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of all) {
    if (begin !== position) {
      throw new IoError(
        `${caller}: expected the data of '${name}' to begin at ${position}, where those before it end, got ${begin}. ` +
          `The file is damaged: data ${begin < position ? 'overlap' : 'have a hole'}.`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw new IoError(
      `${caller}: expected ${position} bytes of data after the header, got ${dataBytes}. ` +
        `The file is ${position > dataBytes ? 'cut off' : 'longer than its header says'}.`,
    );
  }
  const entries = all.filter(isRead);
  const unread = new Map<string, UnreadType>(all.filter((entry) => !isRead(entry)).map((entry) => [entry.name, entry]));
  return { entries: [...entries, ...aliases(entries, unread, metadata)], unread, metadata };
}

function isRead(entry: HeaderEntry | UnreadEntry): entry is HeaderEntry {
  return isStoredDType(entry.dtype);
}

/** Entries of names that have no data, but that `metadata` names with the tensor that they share. */
function aliases(
  entries: readonly HeaderEntry[],
  unread: ReadonlyMap<string, UnreadType>,
  metadata: Readonly<Record<string, string>>,
): HeaderEntry[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return Object.entries(metadata).flatMap(([name, kept]) => {
    const entry = byName.get(kept);
    return entry === undefined || byName.has(name) || unread.has(name) ? [] : [{ ...entry, name }];
  });
}

function parseMetadata(caller: string, value: unknown): Record<string, string> {
  if (value === null) return {}; // as the reference library reads it
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw new IoError(
      `${caller}: expected '__metadata__' to hold text by key, got ${shown(value)}. The file is damaged.`,
    );
  }
  return value as Record<string, string>;
}

function parseEntry(caller: string, name: string, value: unknown): HeaderEntry | UnreadEntry {
  const refuse = (expected: string, got: unknown) =>
    new IoError(`${caller}: expected ${expected} for the tensor '${name}', got ${shown(got)}. The file is damaged.`);
  if (!isObject(value)) throw refuse('dtype, shape and data_offsets', value);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !typeName.test(dtype)) throw refuse('a dtype of letters, such as F32,', dtype);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw refuse('a shape of whole numbers from 0 up', shape);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw refuse('data_offsets [begin, end] of whole numbers', offsets);
  }
  const [begin, end] = offsets as [number, number];
  if (!isStoredDType(dtype) && begin <= end) return { name, dtype, shape, begin, end };
  if (!isStoredDType(dtype)) throw refuse('data_offsets [begin, end] in this order', offsets);
  const size = byteLengthOf({ dtype, shape });
  if (size === undefined) throw refuse('a shape of countable size', shape);
  if (size !== end - begin) {
    throw refuse(`${size} bytes, those of ${formatStoredType({ dtype, shape })},`, end - begin);
  }
  return { name, dtype, shape, begin, end };
}

/** A value from a file as error messages show it, shortened. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

/** A header in bytes, with its length before it and spaces after it, so that the data begin at a multiple of 8. */
export function formatHeader(entries: readonly HeaderEntry[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const fields: [string, unknown][] = [];
  const texts = Object.entries(metadata).sort(([a], [b]) => compareCodePoints(a, b));
  if (texts.length > 0) fields.push(['__metadata__', Object.fromEntries(texts)]);
  for (const { name, dtype, shape, begin, end } of entries) {
    if (name === '__metadata__' || name === '__proto__') {
      throw new IoError(
        `formatSafetensors: expected another tensor name than '${name}', which is reserved. Rename it.`,
      );
    }
    fields.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  // Written entry by entry: an object would put names that look like numbers first.
  const text = `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const json = new TextEncoder().encode(text);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > maximumHeaderBytes) {
    throw new IoError(
      `formatSafetensors: expected a header of at most ${maximumHeaderBytes} bytes, got ${length}. Write fewer tensors a file.`,
    );
  }
  const bytes = new Uint8Array(prefixBytes + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, prefixBytes);
  return bytes;
}
