import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { decodeBfloat16, decodeFloat8, decodeFloat16, encodeBfloat16, encodeFloat16 } from './small-floats.js';
import {
  byteLengthOf,
  formatStoredType,
  type HostTensor,
  type StoredDType,
  type StoredTensor,
  storedTensorKinds,
} from './stored.js';

/** Element types for writing a float32 tensor. */
export type FloatStorage = 'F32' | 'F16' | 'BF16';

interface TypedArrayType<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Elements in `bytes`: a view if the bytes are aligned, else a copy. */
function elementsOf<A>(bytes: Uint8Array, ArrayType: TypedArrayType<A>): A {
  if (!littleEndian) {
    throw new IoError('elementsOf: expected a little-endian processor, got a big-endian one. Use another machine.');
  }
  const width = ArrayType.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return new ArrayType(aligned.buffer, aligned.byteOffset, aligned.length / width);
}

/** View of the bytes of a typed array. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** @throws IoError if the number of bytes does not match dtype and shape. */
export function checkStored(caller: string, stored: StoredTensor, name: string): void {
  const expected = byteLengthOf(stored);
  if (expected === undefined || expected !== stored.bytes.length) {
    throw new IoError(
      `${caller}: expected ${expected ?? 'a countable number of'} bytes for ${name} of type ${formatStoredType(stored)}, ` +
        `got ${stored.bytes.length}. Pass dtype, shape and bytes that match.`,
    );
  }
}

function outOfRange(name: string, dtype: StoredDType, value: number | bigint, index: number): IoError {
  return new IoError(
    `toHostTensor: expected values of ${name} (${dtype}) that fit into int32, got ${value} at index ${index}. ` +
      'Read the values with toFloat64Array, or store smaller ones.',
  );
}

function int32OfUint32(values: Uint32Array, name: string): Int32Array {
  const index = values.findIndex((value) => value > 0x7fffffff);
  if (index >= 0) throw outOfRange(name, 'U32', values[index] as number, index);
  return Int32Array.from(values);
}

function int32OfWide(bytes: Uint8Array, dtype: 'I64' | 'U64', name: string): Int32Array {
  const words = elementsOf(bytes, Int32Array); // low, high, low, high, ...
  const data = new Int32Array(words.length / 2);
  for (let i = 0; i < data.length; i++) {
    const low = words[2 * i] as number;
    const high = words[2 * i + 1] as number;
    if (high !== low >> 31 || (dtype === 'U64' && high !== 0)) {
      const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
      throw outOfRange(name, dtype, dtype === 'I64' ? BigInt.asIntN(64, bits) : bits, i);
    }
    data[i] = low;
  }
  return data;
}

function checkedBool(bytes: Uint8Array, name: string): Uint8Array {
  const index = bytes.findIndex((value) => value > 1);
  if (index >= 0) {
    throw new IoError(
      `toHostTensor: expected bytes 0 or 1 in ${name} (BOOL), got ${bytes[index]} at index ${index}. The file is damaged.`,
    );
  }
  return bytes;
}

/**
 * Converts a stored tensor to a host tensor of the same shape. F32, F16, BF16, F8 and F64 become float32 (F64 rounded to
 * nearest). I32, I64, U32, U64, I16, U16, I8 and U8 become int32. BOOL becomes bool. Aligned F32, I32 and BOOL data share the
 * memory of `stored.bytes`. All others are copied.
 *
 * @param name Name of the tensor, for error messages.
 * @throws IoError if a whole number does not fit into int32, or a BOOL byte is neither 0 nor 1.
 */
export function toHostTensor(stored: StoredTensor, name = 'the tensor'): HostTensor {
  checkArguments('toHostTensor', { stored, name }, { stored: storedTensorKinds, 'name?': 'string' });
  checkStored('toHostTensor', stored, name);
  const { dtype, bytes } = stored;
  const shape = [...stored.shape];
  const float32 = (data: Float32Array): HostTensor => ({ dtype: 'float32', shape, data });
  const int32 = (data: Int32Array): HostTensor => ({ dtype: 'int32', shape, data });
  switch (dtype) {
    case 'F32':
      return float32(elementsOf(bytes, Float32Array));
    case 'F16':
      return float32(decodeFloat16(elementsOf(bytes, Uint16Array)));
    case 'BF16':
      return float32(decodeBfloat16(elementsOf(bytes, Uint16Array)));
    case 'F8_E4M3':
    case 'F8_E5M2':
      return float32(decodeFloat8(bytes, dtype));
    case 'F64':
      return float32(Float32Array.from(elementsOf(bytes, Float64Array)));
    case 'I32':
      return int32(elementsOf(bytes, Int32Array));
    case 'U32':
      return int32(int32OfUint32(elementsOf(bytes, Uint32Array), name));
    case 'I64':
    case 'U64':
      return int32(int32OfWide(bytes, dtype, name));
    case 'I16':
      return int32(Int32Array.from(elementsOf(bytes, Int16Array)));
    case 'U16':
      return int32(Int32Array.from(elementsOf(bytes, Uint16Array)));
    case 'I8':
      return int32(Int32Array.from(elementsOf(bytes, Int8Array)));
    case 'U8':
      return int32(Int32Array.from(bytes));
    case 'BOOL':
      return { dtype: 'bool', shape, data: checkedBool(bytes, name) };
  }
}

/**
 * Converts the values of a stored tensor to float64, row-major. Aligned F64 data are shared, not copied. 64-bit whole numbers
 * beyond 2^53 are rounded.
 *
 * @throws IoError if bytes and shape do not match.
 */
export function toFloat64Array(stored: StoredTensor): Float64Array {
  checkArguments('toFloat64Array', { stored }, { stored: storedTensorKinds });
  checkStored('toFloat64Array', stored, 'the tensor');
  const { dtype, bytes } = stored;
  switch (dtype) {
    case 'F64':
      return elementsOf(bytes, Float64Array);
    case 'U32':
      return Float64Array.from(elementsOf(bytes, Uint32Array));
    case 'I64':
      return Float64Array.from(elementsOf(bytes, BigInt64Array), Number);
    case 'U64':
      return Float64Array.from(elementsOf(bytes, BigUint64Array), Number);
    default:
      return Float64Array.from(toHostTensor(stored).data);
  }
}

/** Element type in which {@link fromHostTensor} stores a host tensor. */
export function storageOf(dtype: HostTensor['dtype'], float: FloatStorage): StoredDType {
  return ({ float32: float, int32: 'I32', bool: 'BOOL' } as const)[dtype];
}

/** Encodes host data. Float32 values are rounded to nearest even; those beyond the range become infinity. */
export function encodeData(data: HostTensor['data'], float: FloatStorage): Uint8Array {
  if (data instanceof Float32Array && float === 'F16') return bytesOf(encodeFloat16(data));
  if (data instanceof Float32Array && float === 'BF16') return bytesOf(encodeBfloat16(data));
  return bytesOf(data);
}

/**
 * Converts a host tensor to a stored tensor: float32 to the type `float`, int32 to I32, bool to BOOL. Data that need no
 * conversion are shared, not copied. In F16, magnitudes >= 65520 become infinity.
 *
 * @throws IoError if the number of elements does not match the shape.
 */
export function fromHostTensor(tensor: HostTensor, float: FloatStorage = 'F32'): StoredTensor {
  checkArguments('fromHostTensor', { tensor, float }, { tensor: 'HostTensor', 'float?': "'F32' | 'F16' | 'BF16'" });
  const stored = {
    dtype: storageOf(tensor.dtype, float),
    shape: [...tensor.shape],
    bytes: encodeData(tensor.data, float),
  };
  checkStored('fromHostTensor', stored, 'the tensor');
  return stored;
}
