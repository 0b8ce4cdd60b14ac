import { checkArguments } from '../check-arguments.js';
import type { StoredDType, StoredType } from '../stored.js';

/**
 * Value of a PyTorch file, as data. Dicts are Maps, lists are arrays and tuples are frozen arrays. Whole numbers beyond
 * 2^53 - 1 are bigint. Values may be shared and may contain themselves.
 */
export type PyTorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PyTorchValue[]
  | PyTorchDict
  | ReadonlySet<PyTorchValue>
  | PyTorchTensor
  | UnreadTensor
  | PyTorchStorage
  | PythonGlobal
  | PythonObject;

/** A dict, in the order of its keys in the file. */
export interface PyTorchDict extends ReadonlyMap<PyTorchValue, PyTorchValue> {}

/** A class, function or constant of Python, by its name: `torch.float16`. */
export class PythonGlobal {
  constructor(
    /** Module and name, separated by a dot. */
    readonly name: string,
  ) {}
}

/** An object of an unknown class, such as `argparse.Namespace`, with its content. */
export class PythonObject {
  /** Attributes, usually a dict. Undefined if it has none. */
  state: PyTorchValue | undefined;
  /** Items, if the class is a list. */
  readonly items: PyTorchValue[] = [];
  /** Entries, if the class is a dict. */
  readonly entries: Map<PyTorchValue, PyTorchValue> = new Map();

  /** @param type Name of its class. @param args Arguments of its class. */
  constructor(
    readonly type: string,
    readonly args: readonly PyTorchValue[],
  ) {}
}

/**
 * Entries of a dict, or of an object whose class is a dict, such as a subclass of `OrderedDict`. Undefined for other values.
 */
export function entriesOf(value: PyTorchValue | undefined): PyTorchDict | undefined {
  if (value instanceof Map) return value;
  return value instanceof PythonObject && value.entries.size > 0 ? value.entries : undefined;
}

/** Memory of tensors, which several may share. Its data stay in the file. */
export class PyTorchStorage {
  constructor(
    /** Name in the file. */
    readonly key: string,
    /** Type of the elements. Undefined for plain bytes, whose tensors have a type, and for `otherType`. */
    readonly dtype: StoredDType | undefined,
    /** Number of elements of that type, or bytes. */
    readonly elements: number,
    /** First element in the data of its name. Only above 0 in old files. */
    readonly start: number,
    /** Class of a storage of an unsupported type, such as `torch.ComplexFloatStorage`. */
    readonly otherType?: string,
  ) {}
}

/** A tensor of an unsupported kind: complex, sparse, quantized, or without data. */
export class UnreadTensor {
  constructor(
    /** Element type such as `torch.complex64`, or a word such as `sparse`. */
    readonly kind: string,
  ) {
    checkArguments('UnreadTensor', { kind }, { kind: 'string' });
  }
}

/** A tensor. Its element (i, j, ...) is element `offset + i strides[0] + j strides[1] + ...` of its storage. */
export class PyTorchTensor implements StoredType {
  constructor(
    readonly dtype: StoredDType,
    readonly shape: readonly number[],
    /** Strides in elements. */
    readonly strides: readonly number[],
    /** Offset in elements. */
    readonly offset: number,
    readonly storage: PyTorchStorage,
  ) {}
}

/** Storage classes of module `torch`, by element type. */
export const storageClasses = {
  BOOL: 'BoolStorage',
  U8: 'ByteStorage',
  I8: 'CharStorage',
  I16: 'ShortStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I32: 'IntStorage',
  F32: 'FloatStorage',
  F64: 'DoubleStorage',
  I64: 'LongStorage',
} as const satisfies Partial<Record<StoredDType, string>>;
