import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';

/**
 * Element types as safetensors names them, with their size in bytes. The order is that of the reference library, which
 * writes tensors by descending type, then by name.
 */
export const storedTypeBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

/** An element type as files store it. */
export type StoredDType = keyof typeof storedTypeBytes;

/** The element types as arguments are checked for them. */
export const storedDTypeKind = Object.keys(storedTypeBytes)
  .map((name) => `'${name}'`)
  .join(' | ');

/** What is known of a stored tensor without its data. */
export interface StoredType {
  readonly dtype: StoredDType;
  /** Sizes of the axes, outermost first; `[]` is a scalar. */
  readonly shape: readonly number[];
}

/** A tensor as files store it: row-major, little-endian. `bytes` may be a view into a bigger buffer, at any offset. */
export interface StoredTensor extends StoredType {
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
}

/** Kinds of {@link StoredTensor}. */
export const storedTensorKinds: KindsOf<StoredTensor> = {
  bytes: 'Uint8Array',
  dtype: storedDTypeKind,
  shape: 'number[]',
  '*': 'any',
};

/** Whether `value` names an element type that this package reads and writes. */
export function isStoredDType(value: unknown): value is StoredDType {
  return typeof value === 'string' && Object.hasOwn(storedTypeBytes, value);
}

/** Whether `value` can be a size, a count or an offset: a whole number from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/**
 * Bytes that the data of a stored tensor take; undefined if a dimension is not a whole number from 0 up, or if a product
 * on the way is beyond 2^53 - 1.
 */
export function byteLengthOf(type: StoredType): number | undefined {
  let bytes: number = storedTypeBytes[type.dtype];
  for (const dimension of type.shape) {
    if (!isCount(dimension)) return undefined;
    bytes *= dimension;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

/** What is known of a tensor whose element type is not read, such as `C64`. */
export interface UnreadType {
  /** The name of the element type in the file. */
  readonly dtype: string;
  /** Sizes of the axes, outermost first. */
  readonly shape: readonly number[];
}

/** A stored type as error messages print it: `F32[2, 3]`. */
export function formatStoredType(type: StoredType | UnreadType): string {
  checkArguments('formatStoredType', { type }, { type: { dtype: 'string', shape: 'number[]', '*': 'any' } });

  return `${type.dtype}[${type.shape.join(', ')}]`;
}

type Typed<D extends string, A> = { readonly dtype: D; readonly shape: readonly number[]; readonly data: A };

/**
 * A tensor in ordinary memory: row-major data in a typed array, `bool` as one byte of 0 or 1. The same type as
 * `HostTensor` of `@dpar/tensor`, written out so that this package's types need no other.
 */
export type HostTensor = Typed<'float32', Float32Array> | Typed<'int32', Int32Array> | Typed<'bool', Uint8Array>;

/**
 * Where consecutive elements of a row-major tensor lie: bytes from the start of its data.
 *
 * @param first Number of the first element in row-major order.
 * @param what The tensor and its file, for error messages.
 * @throws IoError if the tensor has not these elements.
 */
export function rangeInBytes(caller: string, type: StoredType, first: number, count: number, what: string) {
  const elements = type.shape.reduce((product, size) => product * size, 1);
  if (!isCount(first) || !isCount(count) || first + count > elements) {
    throw new IoError(
      `${caller}: expected a range among the ${elements} elements of ${what}, ${formatStoredType(type)}, ` +
        `got ${count} from ${first} on.`,
    );
  }
  const width = storedTypeBytes[type.dtype];
  return { begin: first * width, length: count * width };
}

/**
 * Walks over the elements of an array in row-major order (last axis fastest).
 * @param strides Distance between neighbours of each axis where the elements lie, in elements.
 * @param visit Gets each element's place in row-major order and where it lies, in elements.
 */
export function forEachStrided(
  shape: readonly number[],
  strides: readonly number[],
  visit: (row: number, offset: number) => void,
): void {
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const index = shape.map(() => 0);
  let offset = 0; // of the element at `row`
  for (let row = 0; row < elements; row++) {
    visit(row, offset);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      offset += strides[axis] as number;
      index[axis] = next;
      if (next < (shape[axis] as number)) break;
      offset -= next * (strides[axis] as number);
      index[axis] = 0;
    }
  }
}
