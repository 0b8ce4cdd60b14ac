import { IoError } from '../error.js';
import { isCount, type StoredDType } from '../stored.js';
import { checkTensor } from './layout.js';
import {
  PyTorchStorage,
  PyTorchTensor,
  type PyTorchValue,
  PythonGlobal,
  PythonObject,
  storageClasses,
} from './values.js';

type Arguments = readonly PyTorchValue[];
type Callable = (caller: string, args: Arguments) => PyTorchValue;

const typeOfStorage = new Map(
  Object.entries(storageClasses).map(([dtype, name]) => [`torch.${name}`, dtype as StoredDType]),
);

/** Names of plain bytes as storage, in several versions of PyTorch. */
const byteStorages = ['torch.UntypedStorage', 'torch.storage.UntypedStorage', 'torch.storage._UntypedStorage'];

/** Element types that tensors on plain bytes name. */
const typeOfName: ReadonlyMap<string, StoredDType> = new Map<string, StoredDType>([
  ['torch.bool', 'BOOL'],
  ['torch.uint8', 'U8'],
  ['torch.int8', 'I8'],
  ['torch.int16', 'I16'],
  ['torch.uint16', 'U16'],
  ['torch.float16', 'F16'],
  ['torch.bfloat16', 'BF16'],
  ['torch.int32', 'I32'],
  ['torch.uint32', 'U32'],
  ['torch.float32', 'F32'],
  ['torch.float64', 'F64'],
  ['torch.int64', 'I64'],
  ['torch.uint64', 'U64'],
]);

/**
 * The storage that a persistent id names: `('storage', class, key, device, elements)`, and in files of the older format a
 * sixth field, by which a storage is part of another.
 *
 * @throws IoError if it is something else, or of an element type that is not read.
 */
export function storageOfId(caller: string, id: PyTorchValue): PyTorchStorage {
  const [what, type, key, , elements, view = null] = isList(id) ? id : [];
  if (what !== 'storage' || !(type instanceof PythonGlobal) || typeof key !== 'string') {
    throw new IoError(`${caller}: expected references to storages alone, got ${shown(what)}. The file is damaged.`);
  }
  const dtype = typeOfStorage.get(type.name);
  if (dtype === undefined && !byteStorages.includes(type.name)) {
    throw new IoError(
      `${caller}: expected tensors of ${[...typeOfStorage.keys()].join(', ')}, got ${type.name}. ` +
        'Convert them in PyTorch and save the file again.',
    );
  }
  const [, start, length] = isList(view) ? view : [null, 0, elements];
  if (!isCount(start) || !isCount(length)) {
    throw new IoError(`${caller}: expected whole numbers as sizes of a storage, got others. The file is damaged.`);
  }
  return new PyTorchStorage(key, dtype, length, start);
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`; other versions begin alike. */
function rebuildTensor(caller: string, [storage, offset, shape, strides, , , type]: Arguments): PyTorchTensor {
  if (!(storage instanceof PyTorchStorage) || !isList(shape) || !isList(strides)) {
    throw new IoError(
      `${caller}: expected a tensor of storage, offset, size and stride, got others. The file is damaged.`,
    );
  }
  const dtype = type instanceof PythonGlobal ? typeOfName.get(type.name) : storage.dtype;
  if (dtype === undefined) {
    throw new IoError(
      `${caller}: expected a tensor of ${[...typeOfName.keys()].join(', ')}, got ${shown(type)}. ` +
        'Convert it in PyTorch and save the file again.',
    );
  }
  const tensor = new PyTorchTensor(dtype, shape as number[], strides as number[], offset as number, storage);
  checkTensor(caller, tensor);
  return tensor;
}

/** A parameter is read as its tensor. */
function rebuildParameter(caller: string, [tensor]: Arguments): PyTorchValue {
  if (tensor instanceof PyTorchTensor) return tensor;
  throw new IoError(`${caller}: expected a tensor as parameter, got ${shown(tensor)}. The file is damaged.`);
}

const fromType = 'torch._tensor._rebuild_from_type_v2';

/** `_rebuild_from_type_v2(function, class, arguments, attributes)`: a tensor with attributes, which are left out. */
function rebuildFromType(caller: string, [rebuild, , args]: Arguments): PyTorchValue {
  if (rebuild instanceof PythonGlobal && rebuild.name !== fromType && isList(args)) return call(caller, rebuild, args);
  throw new IoError(`${caller}: expected a tensor's function and arguments, got others. The file is damaged.`);
}

const orderedDict: Callable = (caller, [pairs = []]) => {
  if (isList(pairs) && pairs.every((pair) => isList(pair) && pair.length === 2)) {
    return new Map(pairs as unknown as [PyTorchValue, PyTorchValue][]);
  }
  throw new IoError(`${caller}: expected pairs of keys and values, got ${shown(pairs)}. The file is damaged.`);
};

const list: Callable = (caller, [items = []]) => {
  if (isList(items)) return [...items];
  throw new IoError(`${caller}: expected a list of items, got ${shown(items)}. The file is damaged.`);
};

/** Bytes in files of pickle protocol 2: text of characters 0 to 255, and the name of that encoding. */
const encode: Callable = (caller, [text, encoding]) => {
  if (typeof text !== 'string' || encoding !== 'latin1') {
    throw new IoError(`${caller}: expected bytes as text in latin1, got ${shown(encoding)}. The file is damaged.`);
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
};

const callables: ReadonlyMap<string, Callable> = new Map<string, Callable>([
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch._utils._rebuild_parameter_with_state', rebuildParameter],
  [fromType, rebuildFromType],
  ['torch.Size', (caller, args) => Object.freeze(list(caller, args))],
  ['collections.OrderedDict', orderedDict],
  ['collections.defaultdict', () => new Map()],
  ['_codecs.encode', encode],
  ...['__builtin__', 'builtins'].flatMap((module): [string, Callable][] => [
    [`${module}.set`, (caller, args) => new Set(list(caller, args) as PyTorchValue[])],
    [`${module}.frozenset`, (caller, args) => new Set(list(caller, args) as PyTorchValue[])],
    [`${module}.bytearray`, (caller, args) => (args[0] instanceof Uint8Array ? args[0] : encode(caller, args))],
  ]),
]);

/** Classes whose objects pickles make by calls: kept, like any object, as a name and what it was called with. */
const classes: ReadonlySet<string> = new Set([
  'torch.device',
  'numpy.dtype',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray._reconstruct',
  '__builtin__.complex',
  'builtins.complex',
  'datetime.datetime',
  'datetime.timedelta',
  'pathlib.Path',
  'pathlib.PosixPath',
  'pathlib.PurePosixPath',
  'pathlib.WindowsPath',
  'pathlib.PureWindowsPath',
]);

/**
 * What a call in a pickle gives. Nothing of Python runs: a few functions, those that make tensors and plain containers,
 * have a counterpart here; objects of a few classes are kept as a name with arguments.
 *
 * @throws IoError for any other, with its name.
 */
export function call(caller: string, callee: PythonGlobal, args: Arguments): PyTorchValue {
  const callable = callables.get(callee.name);
  if (callable !== undefined) return callable(caller, args);
  if (classes.has(callee.name)) return new PythonObject(callee.name, args);
  throw new IoError(
    `${caller}: expected calls of functions that make tensors and plain containers, got ${callee.name}. It was not called: ` +
      "pickles are read as data. Save weights alone from PyTorch, as in torch.save({'model': model.state_dict()}, path).",
  );
}

/** Whether a value is a list or a tuple. */
export function isList(value: PyTorchValue | undefined): value is readonly PyTorchValue[] {
  return Array.isArray(value);
}

/** A value as error messages name it. */
export function shown(value: PyTorchValue | undefined): string {
  if (value instanceof PythonGlobal) return value.name;
  if (value instanceof PythonObject) return `an object of ${value.type}`;
  if (typeof value === 'string') return JSON.stringify(value.length > 50 ? `${value.slice(0, 50)}...` : value);
  if (isList(value)) return 'a list';
  if (value instanceof Map) return 'a dict';
  if (typeof value === 'object' && value !== null) return `a ${value.constructor.name}`;
  return String(value);
}
