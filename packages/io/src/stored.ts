import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';

/** Element types by safetensors' names, with their sizes in bytes, in the order of the reference library. */
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

/** Element type of a stored tensor. */
export type StoredDType = keyof typeof storedTypeBytes;

/** Kind of {@link StoredDType} for the check of arguments. */
export const storedDTypeKind = Object.keys(storedTypeBytes)
  .map((name) => `'${name}'`)
  .join(' | ');

/** Element type and shape of a stored tensor. */
export interface StoredType {
  readonly dtype: StoredDType;
  /** Sizes of the axes, outermost first. A scalar has `[]`. */
  readonly shape: readonly number[];
}

/** A tensor as stored in files. */
export interface StoredTensor extends StoredType {
  /** Row-major, little-endian data. They may be a view of a larger buffer at any offset. */
  readonly bytes: Uint8Array;
}

export const storedTensorKinds: KindsOf<StoredTensor> = {
  bytes: 'Uint8Array',
  dtype: storedDTypeKind,
  shape: 'number[]',
  '*': 'any',
};

/** Checks that `value` names a supported element type. */
export function isStoredDType(value: unknown): value is StoredDType {
  return typeof value === 'string' && Object.hasOwn(storedTypeBytes, value);
}

/** Checks that `value` can be a size, a count or an offset: a whole number from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/** Number of bytes of a stored tensor. Undefined if a dimension is not a whole number >= 0, or a product exceeds 2^53 - 1. */
export function byteLengthOf(type: StoredType): number | undefined {
  let bytes: number = storedTypeBytes[type.dtype];
  for (const dimension of type.shape) {
    if (!isCount(dimension)) return undefined;
    bytes *= dimension;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

/** Element type and shape of a tensor of an unsupported type, such as `C64`. */
export interface UnreadType {
  /** Name of the element type in the file. */
  readonly dtype: string;
  /** Sizes of the axes, outermost first. */
  readonly shape: readonly number[];
}

/** Formats a stored type for error messages: `F32[2, 3]`. */
export function formatStoredType(type: StoredType | UnreadType): string {
  checkArguments('formatStoredType', { type }, { type: { dtype: 'string', shape: 'number[]', '*': 'any' } });
  return `${type.dtype}[${type.shape.join(', ')}]`;
}

type Typed<D extends string, A> = { readonly dtype: D; readonly shape: readonly number[]; readonly data: A };

/**
 * A tensor in ordinary memory: row-major data in a typed array, `bool` as one byte of 0 or 1. It equals `HostTensor` of
 * `@dpar/tensor`, without a dependency on that package.
 */
export type HostTensor = Typed<'float32', Float32Array> | Typed<'int32', Int32Array> | Typed<'bool', Uint8Array>;

/**
 * Range in bytes of consecutive elements of a row-major tensor, from the start of its data.
 *
 * @param first Row-major index of the first element.
 * @param what Name of the tensor and its file, for error messages.
 * @throws IoError if the tensor does not have these elements.
 */
export function rangeInBytes(caller: string, type: StoredType, first: number, count: number, what: string) {
  const elements = type.shape.reduce((product, size) => product * size, 1);
  if (!isCount(first) || !isCount(count) || first + count > elements) {
    throw new IoError(
      `${caller}: expected a range among the ${elements} elements of ${what}, ${formatStoredType(type)}, ` +
        `got ${count} from ${first}. Check the range.`,
    );
  }
  const width = storedTypeBytes[type.dtype];
  return { begin: first * width, length: count * width };
}

/**
 * Visits the elements of an array in row-major order (last axis fastest).
 * @param strides Stride of each axis in memory, in elements.
 * @param visit Called with each element's row-major index and its offset in memory.
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
