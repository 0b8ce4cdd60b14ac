import type { HostTensor } from '@dpar/tensor';
import { bytesOf, checkStored, encodeData, type FloatStorage, storageOf } from './convert.js';
import { IoError } from './error.js';
import { formatHeader, type HeaderEntry, parseHeader, parseHeaderLength, prefixBytes } from './safetensors-header.js';
import { byteLengthOf, isStoredDType, type StoredTensor, storedTypeBytes } from './stored.js';

/** The content of a safetensors file. */
export interface SafetensorsContent {
  /** Tensors by name, in the order of their data in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free text by key, empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Tensors to write, by name: host tensors, or stored tensors, which are written as they are. */
export type WritableTensors =
  | ReadonlyMap<string, HostTensor | StoredTensor>
  | Readonly<Record<string, HostTensor | StoredTensor>>;

/** How {@link formatSafetensors} writes. */
export interface SafetensorsOptions {
  /** Free text by key. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** In which element type float32 host tensors are written; F32 by default. */
  readonly dtype?: FloatStorage;
}

/**
 * Reads a safetensors file from memory. Nothing is copied: the tensors are views into `bytes`.
 *
 * @throws IoError if the file is not valid: see the format's description, https://huggingface.co/docs/safetensors. Names
 * that occur twice, overlapping data, holes and trailing bytes are refused too.
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorsContent {
  const file = bytesOf(bytes); // a Node Buffer's subarray would be a Buffer
  const dataStart = prefixBytes + parseHeaderLength('parseSafetensors', file, file.length);
  const header = parseHeader('parseSafetensors', file.subarray(prefixBytes, dataStart), file.length - dataStart);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of header.entries) {
    tensors.set(name, { dtype, shape, bytes: file.subarray(dataStart + begin, dataStart + end) });
  }
  return { tensors, metadata: header.metadata };
}

/** Names and tensors, in the order given. */
export function namedTensors(tensors: WritableTensors): [string, HostTensor | StoredTensor][] {
  return isMap(tensors) ? [...tensors] : Object.entries(tensors);
}

// `instanceof` alone does not rule out ReadonlyMap for the compiler.
function isMap(tensors: WritableTensors): tensors is ReadonlyMap<string, HostTensor | StoredTensor> {
  return tensors instanceof Map;
}

/** Most elements converted at a time, so that a big tensor needs no second buffer of its size. */
const chunkElements = 1 << 22;

/**
 * The bytes of a safetensors file, piece by piece, for streaming: the header, then the data, of which those that need no
 * conversion are not copied. The same tensors give the same bytes, whatever their order: tensors lie by descending
 * element type, then by name, as the reference library writes them, so that all data are aligned to their element size.
 *
 * @throws IoError at the first piece, if a tensor's data do not fit its shape or a name is reserved.
 */
export function* safetensorsChunks(tensors: WritableTensors, options: SafetensorsOptions = {}): Generator<Uint8Array> {
  const { metadata = {}, dtype: float = 'F32' } = options;
  const typed = namedTensors(tensors).map(([name, tensor]) => {
    const dtype = 'bytes' in tensor ? tensor.dtype : storageOf(tensor.dtype, float);
    checkWritable(name, tensor, dtype);
    return { name, tensor, dtype, shape: tensor.shape };
  });
  const order = Object.keys(storedTypeBytes);
  typed.sort((a, b) => order.indexOf(b.dtype) - order.indexOf(a.dtype) || (a.name < b.name ? -1 : 1));

  const entries: HeaderEntry[] = [];
  let position = 0;
  for (const { name, dtype, shape } of typed) {
    const end = position + (byteLengthOf({ dtype, shape }) ?? 0);
    entries.push({ name, dtype, shape, begin: position, end });
    position = end;
  }
  yield formatHeader(entries, metadata);
  for (const { tensor } of typed) {
    if ('bytes' in tensor) yield tensor.bytes;
    else {
      for (let start = 0; start < tensor.data.length; start += chunkElements) {
        yield encodeData(tensor.data.subarray(start, start + chunkElements), float);
      }
    }
  }
}

function checkWritable(name: string, tensor: HostTensor | StoredTensor, dtype: string): void {
  if (!isStoredDType(dtype)) {
    throw new IoError(
      `formatSafetensors: expected a dtype of ${Object.keys(storedTypeBytes).join(', ')} for '${name}', got '${dtype}'.`,
    );
  }
  // The length of host data is checked in units of the stored type, before any conversion.
  if ('bytes' in tensor) checkStored('formatSafetensors', tensor, `'${name}'`);
  else if (byteLengthOf({ dtype, shape: tensor.shape }) !== tensor.data.length * storedTypeBytes[dtype]) {
    throw new IoError(
      `formatSafetensors: expected as many elements in '${name}' as its shape [${tensor.shape.join(', ')}] has, ` +
        `got ${tensor.data.length}. Pass data and shape that belong together.`,
    );
  }
}

/** A whole safetensors file in memory; see {@link safetensorsChunks}, which needs less of it. */
export function formatSafetensors(tensors: WritableTensors, options: SafetensorsOptions = {}): Uint8Array {
  const chunks = [...safetensorsChunks(tensors, options)];
  const file = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    file.set(chunk, position);
    position += chunk.length;
  }
  return file;
}
