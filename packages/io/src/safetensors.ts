import type { KindsOf } from '@dpar/check';
import { concatenate } from './byte-stream.js';
import { checkArguments } from './check-arguments.js';
import { type ChunkedTensor, dataChunks, memoryChunks, typeToWrite } from './chunks.js';
import { compareCodePoints } from './code-points.js';
import { bytesOf, type FloatStorage } from './convert.js';
import { IoError } from './error.js';
import { refuseForeign } from './foreign-file.js';
import { formatHeader, type HeaderEntry, parseHeader, parseHeaderLength, prefixBytes } from './safetensors-header.js';
import {
  byteLengthOf,
  formatStoredType,
  type HostTensor,
  type StoredTensor,
  storedTypeBytes,
  type UnreadType,
} from './stored.js';

/** Content of a safetensors file. */
export interface SafetensorsContent {
  /** Tensors by name, in the order of their data in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Tensors of unsupported types, such as C64 or F4, by name. */
  readonly unread: ReadonlyMap<string, UnreadType>;
  /** Free text by key, empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Tensors to write, by name: host tensors, or stored tensors, which are written unchanged. */
export type WritableTensors =
  | ReadonlyMap<string, HostTensor | StoredTensor>
  | Readonly<Record<string, HostTensor | StoredTensor>>;

/** Options of {@link formatSafetensors}. */
export interface SafetensorsOptions {
  /** Free text by key. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Element type for float32 host tensors. Default: F32. */
  readonly dtype?: FloatStorage;
}

export const safetensorsOptionsKinds: KindsOf<SafetensorsOptions> = {
  'metadata?': 'object',
  'dtype?': "'F32' | 'F16' | 'BF16'",
};

/**
 * Parses a safetensors file in memory. The tensors are views of `bytes`. Tensors of unsupported types are listed as `unread`.
 * Aliases in the file's metadata become tensors.
 *
 * @throws IoError if the file is invalid: see the format's description, https://huggingface.co/docs/safetensors. Duplicate
 * names, overlapping data, holes and trailing bytes are refused too.
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorsContent {
  checkArguments('parseSafetensors', { bytes }, { bytes: 'Uint8Array' });
  const file = bytesOf(bytes); // `subarray` of a Node Buffer would return a Buffer
  refuseForeign('parseSafetensors', 'a safetensors file', 'safetensors', file);
  const dataStart = prefixBytes + parseHeaderLength('parseSafetensors', file, file.length);
  const header = parseHeader('parseSafetensors', file.subarray(prefixBytes, dataStart), file.length - dataStart);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of header.entries) {
    tensors.set(name, { dtype, shape, bytes: file.subarray(dataStart + begin, dataStart + end) });
  }
  return { tensors, unread: header.unread, metadata: header.metadata };
}

/** Names and tensors in the given order. */
export function namedTensors<T>(tensors: ReadonlyMap<string, T> | Readonly<Record<string, T>>): [string, T][] {
  return isMap(tensors) ? [...tensors] : Object.entries(tensors);
}

// `instanceof` alone does not rule out ReadonlyMap for the compiler.
function isMap<T>(tensors: ReadonlyMap<string, T> | Readonly<Record<string, T>>): tensors is ReadonlyMap<string, T> {
  return tensors instanceof Map;
}

/** Header of a file, and its tensors in the order of their data. */
interface Plan<T> {
  readonly header: Uint8Array;
  readonly tensors: readonly T[];
}

/** Orders tensors by descending element type, then by name, as the reference library does. All data are then aligned. */
function plan<T extends HostTensor | StoredTensor | ChunkedTensor>(
  tensors: readonly (readonly [string, T])[],
  { metadata = {}, dtype: float = 'F32' }: SafetensorsOptions,
): Plan<T> {
  const typed = tensors.map(([name, tensor]) => ({
    ...typeToWrite('formatSafetensors', name, tensor, float),
    name,
    tensor,
  }));
  const order = Object.keys(storedTypeBytes);
  typed.sort((a, b) => order.indexOf(b.dtype) - order.indexOf(a.dtype) || compareCodePoints(a.name, b.name));
  const entries: HeaderEntry[] = [];
  let position = 0;
  for (const { name, dtype, shape } of typed) {
    const end = position + (byteLengthOf({ dtype, shape }) ?? 0);
    entries.push({ name, dtype, shape, begin: position, end });
    position = end;
  }
  return { header: formatHeader(entries, metadata), tensors: typed.map(({ tensor }) => tensor) };
}

/**
 * Streams the bytes of a safetensors file: the header, then the data. Data are copied only if they are converted. The same
 * tensors in any order give the same bytes.
 *
 * @throws IoError at the first piece, if a tensor's data do not match its shape or a name is reserved.
 */
export function safetensorsChunks(tensors: WritableTensors, options: SafetensorsOptions = {}): Generator<Uint8Array> {
  checkArguments(
    'safetensorsChunks',
    { tensors, options },
    { tensors: 'Map | object', 'options?': safetensorsOptionsKinds },
  );
  return safetensorsPieces(tensors, options);
}

function* safetensorsPieces(tensors: WritableTensors, options: SafetensorsOptions): Generator<Uint8Array> {
  const { header, tensors: ordered } = plan(namedTensors(tensors), options);
  yield header;
  for (const tensor of ordered) yield* memoryChunks(tensor, options.dtype ?? 'F32');
}

/** Tensors to write, by name. Their data may arrive in pieces. */
export type StreamedTensors =
  | ReadonlyMap<string, HostTensor | StoredTensor | ChunkedTensor>
  | Readonly<Record<string, HostTensor | StoredTensor | ChunkedTensor>>;

/**
 * Streams like {@link safetensorsChunks}, for tensors that need not be in memory.
 *
 * @throws the errors of {@link safetensorsChunks}, and IoError if pieces do not have the length of their tensor.
 */
export async function* safetensorsStream(
  tensors: StreamedTensors,
  options: SafetensorsOptions = {},
): AsyncGenerator<Uint8Array> {
  const { header, tensors: ordered } = plan(namedTensors(tensors), options);
  yield header;
  for (const tensor of ordered) {
    let length = 0;
    for await (const chunk of dataChunks(tensor, options.dtype ?? 'F32')) {
      length += chunk.length;
      yield chunk;
    }
    if ('chunks' in tensor && length !== byteLengthOf(tensor)) {
      throw new IoError(
        `safetensorsStream: expected ${byteLengthOf(tensor)} bytes of a tensor ${formatStoredType(tensor)}, got ${length}. ` +
          'Pass pieces of this length in total.',
      );
    }
  }
}

/**
 * Formats a safetensors file in memory. {@link safetensorsChunks} needs less memory.
 *
 * @throws IoError if data do not match their type.
 */
export function formatSafetensors(tensors: WritableTensors, options: SafetensorsOptions = {}): Uint8Array {
  checkArguments(
    'formatSafetensors',
    { tensors, options },
    { tensors: 'Map | object', 'options?': safetensorsOptionsKinds },
  );
  return concatenate([...safetensorsChunks(tensors, options)]);
}
