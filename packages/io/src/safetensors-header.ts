import { compareCodePoints } from './code-points.js';
import { IoError } from './error.js';
import { isObject, parseJsonObject, shortJson } from './json.js';
import { byteLengthOf, formatStoredType, isCount, isStoredDType, type StoredType, type UnreadType } from './stored.js';

/** Longest header in bytes: the limit of the reference library. Real headers have at most about 1 MB. */
export const maximumHeaderBytes = 100_000_000;

/** Bytes before the header: its length as a little-endian 64-bit number. */
export const prefixBytes = 8;

/** Position of the data of a tensor, in bytes from the end of the header. */
export interface HeaderEntry extends StoredType {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** A tensor of an unsupported type, with the position of its data. */
interface UnreadEntry extends UnreadType {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** Pattern of names of element types, such as F4, F6_E2M3, F8_E8M0 and C64, also of future ones. */
const typeName = /^[A-Z][A-Z0-9_]{0,31}$/;

/** Content of a header: entries in the order of their data, and free text by key. */
export interface SafetensorsHeader {
  /** Tensors of supported types, and their aliases. */
  readonly entries: readonly HeaderEntry[];
  /** Tensors of unsupported types, such as C64 or F4, by name. */
  readonly unread: ReadonlyMap<string, UnreadType>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Parses the length of the header from a file's first 8 bytes.
 *
 * @param fileBytes Length of the whole file.
 * @throws IoError if the header would be longer than the file or than {@link maximumHeaderBytes}.
 */
export function parseHeaderLength(caller: string, prefix: Uint8Array, fileBytes: number): number {
  if (fileBytes < prefixBytes || prefix.length < prefixBytes) {
    throw new IoError(
      `${caller}: expected a safetensors file of at least 8 bytes, got ${fileBytes}. ` +
        'The file is truncated. Copy or download it again.',
    );
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true);
  if (length > maximumHeaderBytes || length > fileBytes - prefixBytes) {
    throw new IoError(
      `${caller}: expected a safetensors header of at most ${Math.min(maximumHeaderBytes, fileBytes - prefixBytes)} bytes ` +
        `in this file of ${fileBytes}, got the length ${length}. The file is truncated or of another format. ` +
        'Copy or download it again.',
    );
  }
  return Number(length);
}

/**
 * Parses a header and checks that its tensors fill the data part without overlap, hole or rest. Aliases in `metadata`, which
 * `safetensors.torch.save_model` writes for tensors that share their data, become entries.
 *
 * @param dataBytes Length of the data part.
 * @throws IoError if it is invalid.
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
        `${caller}: expected the data of '${name}' to begin at ${position}, after those before it, got ${begin}. ` +
          `The file is damaged: data ${begin < position ? 'overlap' : 'have a hole'}.`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw new IoError(
      `${caller}: expected ${position} bytes of data after the header, got ${dataBytes}. ` +
        `The file is ${position > dataBytes ? 'truncated' : 'longer than its header says'}. Copy or download it again.`,
    );
  }
  const entries = all.filter(isRead);
  const unread = new Map<string, UnreadType>(all.filter((entry) => !isRead(entry)).map((entry) => [entry.name, entry]));
  return { entries: [...entries, ...aliases(entries, unread, metadata)], unread, metadata };
}

function isRead(entry: HeaderEntry | UnreadEntry): entry is HeaderEntry {
  return isStoredDType(entry.dtype);
}

/** Entries of aliases: names without data that `metadata` maps to the tensor that they share. */
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
  if (value === null) return {}; // as in the reference library
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw new IoError(
      `${caller}: expected '__metadata__' to hold text by key, got ${shortJson(value)}. The file is damaged.`,
    );
  }
  return value as Record<string, string>;
}

function parseEntry(caller: string, name: string, value: unknown): HeaderEntry | UnreadEntry {
  const refuse = (expected: string, got: unknown) =>
    new IoError(
      `${caller}: expected ${expected} for the tensor '${name}', got ${shortJson(got)}. The file is damaged.`,
    );
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

/** Formats a header with its length and padding, so that the data begin at a multiple of 8 bytes. */
export function formatHeader(entries: readonly HeaderEntry[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const fields: [string, unknown][] = [];
  const texts = Object.entries(metadata).sort(([a], [b]) => compareCodePoints(a, b));
  if (texts.length > 0) fields.push(['__metadata__', Object.fromEntries(texts)]);
  for (const { name, dtype, shape, begin, end } of entries) {
    if (name === '__metadata__' || name === '__proto__') {
      throw new IoError(`formatSafetensors: expected a tensor name that is not reserved, got '${name}'. Rename it.`);
    }
    fields.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  // Written entry by entry: in an object, names that look like numbers would come first.
  const text = `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const json = new TextEncoder().encode(text);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > maximumHeaderBytes) {
    throw new IoError(
      `formatSafetensors: expected a header of at most ${maximumHeaderBytes} bytes, got ${length}. Write fewer tensors per file.`,
    );
  }
  const bytes = new Uint8Array(prefixBytes + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, prefixBytes);
  return bytes;
}
