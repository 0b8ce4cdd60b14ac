import type { KindsOf } from '@dpar/check';
import { checkStored, encodeData, type FloatStorage, storageOf } from './convert.js';
import { IoError } from './error.js';
import {
  byteLengthOf,
  type HostTensor,
  isStoredDType,
  type StoredTensor,
  type StoredType,
  storedDTypeKind,
  storedTypeBytes,
} from './stored.js';

/** A tensor whose data come piece by piece: row-major, little-endian. */
export interface ChunkedTensor extends StoredType {
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Kinds of {@link ChunkedTensor}. */
export const chunkedTensorKinds: KindsOf<ChunkedTensor> = {
  chunks: 'object',
  dtype: storedDTypeKind,
  shape: 'number[]',
  '*': 'any',
};

/** Most elements converted at a time, so that a big tensor needs no second buffer of its size. */
const chunkElements = 1 << 22;

/**
 * The type in which a tensor is written; float32 host data as `float` says.
 *
 * @throws IoError if the data of a tensor in memory do not fit its shape, or the type is not one that files store.
 */
export function typeToWrite(
  caller: string,
  name: string,
  tensor: HostTensor | StoredTensor | ChunkedTensor,
  float: FloatStorage,
): StoredType {
  const dtype: string = 'data' in tensor ? storageOf(tensor.dtype, float) : tensor.dtype;
  if (!isStoredDType(dtype)) {
    throw new IoError(
      `${caller}: expected a dtype of ${Object.keys(storedTypeBytes).join(', ')} for '${name}', got '${tensor.dtype}'.`,
    );
  }
  const { shape } = tensor;
  const size = byteLengthOf({ dtype, shape });
  if ('bytes' in tensor) checkStored(caller, tensor, `'${name}'`);
  // The length of host data is checked in units of the stored type, before any conversion.
  else if ('data' in tensor ? size !== tensor.data.length * storedTypeBytes[dtype] : size === undefined) {
    throw new IoError(
      `${caller}: expected as many elements in '${name}' as its shape [${shape.join(', ')}] has, ` +
        `got ${'data' in tensor ? tensor.data.length : 'an uncountable number'}. Pass data and shape that belong together.`,
    );
  }
  return { dtype, shape };
}

/** The data of a tensor in memory, piece by piece; those that need no conversion are not copied. */
export function* memoryChunks(tensor: HostTensor | StoredTensor, float: FloatStorage): Generator<Uint8Array> {
  if ('bytes' in tensor) yield tensor.bytes;
  else {
    for (let start = 0; start < tensor.data.length; start += chunkElements) {
      yield encodeData(tensor.data.subarray(start, start + chunkElements), float);
    }
  }
}

/** The data of a tensor, piece by piece. */
export function dataChunks(
  tensor: HostTensor | StoredTensor | ChunkedTensor,
  float: FloatStorage,
): ChunkedTensor['chunks'] {
  return 'chunks' in tensor ? tensor.chunks : memoryChunks(tensor, float);
}
