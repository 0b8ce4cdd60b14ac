import { checkArguments } from '../check-arguments.js';
import type { StoredDType, StoredType } from '../stored.js';

/**
 * What a PyTorch file holds, as data. Dicts are Maps, so that no key means anything to JavaScript; lists are arrays and
 * tuples frozen arrays. Whole numbers beyond 2^53 - 1 are bigint. Values may be shared and may hold themselves.
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

/** A class, function or constant of Python, of which no more than the name is known: `torch.float16`. */
export class PythonGlobal {
  constructor(
    /** Module and name, separated by a dot. */
    readonly name: string,
  ) {}
}

/** An object of a class of which no more than the name is known, such as `argparse.Namespace`, with what it holds. */
export class PythonObject {
  /** What its class was called with. */
  readonly args: readonly PyTorchValue[];
  /** Its attributes, usually a dict; `undefined` if the file gives it none. */
  state: PyTorchValue | undefined;
  /** Its items, if the class is a list. */
  readonly items: PyTorchValue[] = [];
  /** Its entries, if the class is a dict. */
  readonly entries: Map<PyTorchValue, PyTorchValue> = new Map();

  /** @param type Name of its class. */
  constructor(
    readonly type: string,
    args: readonly PyTorchValue[],
  ) {
    this.args = args;
  }
}

/**
 * The entries of a dict, or of an object whose class is a dict, such as a subclass of `OrderedDict`; undefined for any other
 * value.
 */
export function entriesOf(value: PyTorchValue | undefined): PyTorchDict | undefined {
  if (value instanceof Map) return value;
  return value instanceof PythonObject && value.entries.size > 0 ? value.entries : undefined;
}

/** Memory that tensors are views of, and that several may share. Its data stay in the file. */
export class PyTorchStorage {
  constructor(
    /** Its name in the file. */
    readonly key: string,
    /** Type of its elements; undefined for plain bytes, whose tensors say what they hold, and for `otherType`. */
    readonly dtype: StoredDType | undefined,
    /** Elements of that type, or bytes. */
    readonly elements: number,
    /** Where it begins in the data of its name, in elements; above 0 in old files. */
    readonly start: number,
    /** Class of a storage whose elements are not read, such as `torch.ComplexFloatStorage`. */
    readonly otherType?: string,
  ) {}
}

/** A tensor whose data are not read: complex, sparse, quantized, or without data. */
export class UnreadTensor {
  constructor(
    /** What makes it so: an element type such as `torch.complex64`, or a word such as `sparse`. */
    readonly kind: string,
  ) {
    checkArguments('UnreadTensor', { kind }, { kind: 'string' });
  }
}

/** A tensor, of which element (i, j, ...) is that at `offset + i strides[0] + j strides[1] + ...` of its storage. */
export class PyTorchTensor implements StoredType {
  constructor(
    readonly dtype: StoredDType,
    readonly shape: readonly number[],
    /** In elements. */
    readonly strides: readonly number[],
    /** In elements. */
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
