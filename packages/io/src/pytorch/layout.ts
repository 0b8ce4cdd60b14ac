import { IoError } from '../error.js';
import { byteLengthOf, forEachStrided, formatStoredType, isCount, storedTypeBytes } from '../stored.js';
import type { PyTorchTensor } from './values.js';

/** Largest size of a view that repeats elements of its storage, in multiples of the file's length. */
export const maximumExpansion = 16;

/** Most axes of a tensor in PyTorch. */
const maximumAxes = 64;

/** @throws IoError if a tensor's shape, strides and offset exceed its storage. */
export function checkTensor(caller: string, tensor: PyTorchTensor): void {
  const { shape, strides, offset, storage } = tensor;
  const refuse = (expected: string, got: string): never => {
    throw new IoError(`${caller}: expected ${expected} of a tensor, got ${got}. The file is damaged.`);
  };
  if (shape.length !== strides.length || shape.length > maximumAxes) {
    refuse(`as many strides as sizes, ${maximumAxes} at most,`, `${strides.length} and ${shape.length}`);
  }
  if (![...shape, ...strides, offset].every(isCount)) {
    refuse('whole numbers as sizes, strides and offset', `[${shape}], [${strides}] and ${offset}`);
  }
  if (byteLengthOf(tensor) === undefined) refuse('a countable size', formatStoredType(tensor));
  const elements = storageElements(tensor);
  const { end } = rangeOf(tensor);
  if (!(end <= elements)) {
    refuse(
      `elements within the ${elements} of its storage '${storage.key}'`,
      `${formatStoredType(tensor)} up to ${end}`,
    );
  }
}

/** Number of elements of the tensor's type in its storage. */
function storageElements({ dtype, storage }: PyTorchTensor): number {
  return storage.dtype === undefined ? Math.floor(storage.elements / storedTypeBytes[dtype]) : storage.elements;
}

/** Range of a tensor in its storage: its first element, and the one after its last. */
export function rangeOf({ shape, strides, offset }: PyTorchTensor): { begin: number; end: number } {
  if (shape.includes(0)) return { begin: 0, end: 0 };
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), offset);
  return { begin: offset, end: last + 1 };
}

/**
 * Gathers a tensor's elements in row-major order.
 *
 * @param bytes The elements of {@link rangeOf}. If they are row-major already, they are returned unchanged.
 */
export function toRows(tensor: PyTorchTensor, bytes: Uint8Array): Uint8Array {
  if (isRowMajor(tensor)) return bytes;
  const { dtype, shape, strides } = tensor;
  const width = storedTypeBytes[dtype];
  const result = new Uint8Array(byteLengthOf(tensor) as number);
  forEachStrided(shape, strides, (row, from) => {
    for (let byte = 0; byte < width; byte++) result[row * width + byte] = bytes[from * width + byte] as number;
  });
  return result;
}

/** Checks that elements are contiguous and row-major. Strides of axes of size 1 do not matter. */
export function isRowMajor({ shape, strides }: PyTorchTensor): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis] as number;
  }
  return true;
}

/** Strides of a contiguous row-major tensor. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of shape.toReversed()) {
    strides.unshift(stride);
    stride *= Math.max(size, 1); // as in PyTorch for tensors without elements
  }
  return strides;
}
