import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { DparError } from './error.js';

/** Element types. Indices are `int32`. `bool` takes one byte per element, 0 or 1. */
export type DType = 'float32' | 'int32' | 'bool';

/** Sizes of the axes, outermost first; `[]` is a scalar. Data are row-major. */
export type Shape = readonly number[];

/** Element type and shape of a tensor. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Kinds of {@link TensorType}. */
export const tensorTypeKinds: KindsOf<TensorType> = {
  dtype: "'float32' | 'int32' | 'bool'",
  shape: 'number[]',
  '*': 'any',
};

/** Typed array of each element type. */
export interface DataOf {
  /** Single precision. */
  float32: Float32Array;
  /** Indices, labels, lengths. */
  int32: Int32Array;
  /** Bytes 0 or 1. */
  bool: Uint8Array;
}

/** {@link HostTensor} of a known element type. */
export type HostTensorOf<D extends DType> = D extends DType
  ? { readonly dtype: D; readonly shape: Shape; readonly data: DataOf[D] }
  : never;

/** Tensor in host memory: row-major data in a typed array, which is shared, not copied. */
export type HostTensor = HostTensorOf<DType>;

/** Tensors by name: parameters, inputs or outputs of a function. */
export type Tensors<T> = Readonly<Record<string, T>>;

/** Tensor of a set by its name. @throws DparError for an unknown name. */
export function named<T>(tensors: Tensors<T>, name: string): T {
  checkArguments('named', { tensors, name }, { tensors: 'object', name: 'string' });

  const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
  if (found === undefined) {
    const names = Object.keys(tensors);
    const shown = names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
    throw new DparError(`named: expected a tensor '${name}', got ${shown || 'none'}. Check the name.`);
  }
  return found;
}

/** Number of elements of a shape (1 for a scalar). */
export function sizeOf(shape: Shape): number {
  checkArguments('sizeOf', { shape }, { shape: 'number[]' });

  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** Formats a type for error messages: `float32[2, 3]`. */
export function formatType(type: TensorType): string {
  checkArguments('formatType', { type }, { type: tensorTypeKinds });

  return `${type.dtype}[${type.shape.join(', ')}]`;
}

/** Classes of the typed arrays of each element type. */
export const arrayTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/**
 * Creates a host tensor. A typed array of the right kind is used without a copy; other sequences are converted. Without data
 * the tensor holds zeros.
 * @throws DparError if the data do not fit the shape, or a dimension is not a whole number >= 0.
 */
export function hostTensor<D extends DType>(
  dtype: D,
  shape: Shape,
  data?: DataOf[D] | ArrayLike<number>,
): HostTensorOf<D> {
  checkArguments(
    'hostTensor',
    { dtype, shape, data },
    { dtype: "'float32' | 'int32' | 'bool'", shape: 'number[]', 'data?': 'number[]' },
  );
  return makeTensor('hostTensor', dtype, shape, data);
}

function makeTensor<D extends DType>(
  where: string,
  dtype: D,
  shape: Shape,
  data?: DataOf[D] | ArrayLike<number>,
): HostTensorOf<D> {
  for (const dimension of shape) {
    if (!Number.isInteger(dimension) || dimension < 0) {
      throw new DparError(
        `${where}: expected dimensions that are whole numbers >= 0, got [${shape.join(', ')}]. Check the shape.`,
      );
    }
  }
  const size = sizeOf(shape);
  if (data !== undefined && data.length !== size) {
    throw new DparError(
      `${where}: expected ${size} elements for the shape [${shape.join(', ')}], got ${data.length}. ` +
        'Pass data and shape that belong together.',
    );
  }
  const ArrayType = arrayTypes[dtype];
  const values = data === undefined ? new ArrayType(size) : data instanceof ArrayType ? data : ArrayType.from(data);
  return { dtype, shape: [...shape], data: values } as unknown as HostTensorOf<D>;
}

/** Creates a float32 host tensor, see {@link hostTensor}. @throws DparError for an invalid shape, or data of another length. */
export function float32(shape: Shape, data?: ArrayLike<number>): HostTensorOf<'float32'> {
  checkArguments('float32', { shape, data }, { shape: 'number[]', 'data?': 'number[]' });

  return makeTensor('float32', 'float32', shape, data);
}

/** Creates an int32 host tensor, see {@link hostTensor}. @throws DparError for an invalid shape, or data of another length. */
export function int32(shape: Shape, data?: ArrayLike<number>): HostTensorOf<'int32'> {
  checkArguments('int32', { shape, data }, { shape: 'number[]', 'data?': 'number[]' });

  return makeTensor('int32', 'int32', shape, data);
}

/**
 * Creates a bool host tensor from booleans or bytes 0 and 1, see {@link hostTensor}.
 *
 * @throws DparError for an invalid shape, or data of another length.
 */
export function bool(shape: Shape, data?: ArrayLike<number> | ArrayLike<boolean>): HostTensorOf<'bool'> {
  checkArguments('bool', { shape, data }, { shape: 'number[]', 'data?': 'number[] | boolean[]' });

  return makeTensor('bool', 'bool', shape, data as ArrayLike<number>);
}
