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

/** A tensor whose data arrive in pieces, row-major and little-endian. */
export interface ChunkedTensor extends StoredType {
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

export const chunkedTensorKinds: KindsOf<ChunkedTensor> = {
  chunks: 'object',
  dtype: storedDTypeKind,
  shape: 'number[]',
  '*': 'any',
};

/** Most elements converted at a time, which limits memory. */
const chunkElements = 1 << 22;

/**
 * Type in which a tensor is written. `float` applies to float32 host data.
 *
 * @throws IoError if the data of a tensor in memory do not match its shape, or the type cannot be stored.
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
      `${caller}: expected a dtype of ${Object.keys(storedTypeBytes).join(', ')} for '${name}', got '${tensor.dtype}'. ` +
        'Pass one of these.',
    );
  }
  const { shape } = tensor;
  const size = byteLengthOf({ dtype, shape });
  if ('bytes' in tensor) checkStored(caller, tensor, `'${name}'`);
  // The length of host data is checked in units of the stored type, before any conversion.
  else if ('data' in tensor ? size !== tensor.data.length * storedTypeBytes[dtype] : size === undefined) {
    throw new IoError(
      `${caller}: expected as many elements in '${name}' as its shape [${shape.join(', ')}] has, ` +
        `got ${'data' in tensor ? tensor.data.length : 'an uncountable number'}. Pass data and shape that match.`,
    );
  }
  return { dtype, shape };
}

/** Data of a tensor in memory, in pieces. They are only copied if they are converted. */
export function* memoryChunks(tensor: HostTensor | StoredTensor, float: FloatStorage): Generator<Uint8Array> {
  if ('bytes' in tensor) yield tensor.bytes;
  else {
    for (let start = 0; start < tensor.data.length; start += chunkElements) {
      yield encodeData(tensor.data.subarray(start, start + chunkElements), float);
    }
  }
}

/** Data of a tensor, in pieces. */
export function dataChunks(
  tensor: HostTensor | StoredTensor | ChunkedTensor,
  float: FloatStorage,
): ChunkedTensor['chunks'] {
  return 'chunks' in tensor ? tensor.chunks : memoryChunks(tensor, float);
}
