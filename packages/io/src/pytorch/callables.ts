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
  UnreadTensor,
} from './values.js';

type Arguments = readonly PyTorchValue[];

/** Result of a Python function. Undefined for unknown arguments. */
type Callable = (caller: string, args: Arguments) => PyTorchValue | undefined;

const typeOfStorage = new Map(
  Object.entries(storageClasses).map(([dtype, name]) => [`torch.${name}`, dtype as StoredDType]),
);

/** Classes of storages of plain bytes, in several versions of PyTorch. */
const byteStorages = ['torch.UntypedStorage', 'torch.storage.UntypedStorage', 'torch.storage._UntypedStorage'];

/** Element types of tensors on plain bytes, by name. */
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
  ['torch.float8_e4m3fn', 'F8_E4M3'],
  ['torch.float8_e5m2', 'F8_E5M2'],
]);

/**
 * Storage of a persistent id: `('storage', class, key, device, elements)`. In the older format a sixth field makes it a part of
 * another storage.
 *
 * @throws IoError if the id is invalid.
 */
export function storageOfId(caller: string, id: PyTorchValue): PyTorchStorage {
  const [what, type, key, , elements, view = null] = isList(id) ? id : [];
  if (what !== 'storage' || !(type instanceof PythonGlobal) || typeof key !== 'string') {
    throw new IoError(
      `${caller}: expected a reference to a storage, got ${formatPyTorchValue(what)}. The file is damaged.`,
    );
  }
  const [, start, length] = isList(view) ? view : [null, 0, elements];
  if (!isCount(start) || !isCount(length)) {
    throw new IoError(
      `${caller}: expected whole numbers as sizes of a storage, got ${formatPyTorchValue(start)} and ` +
        `${formatPyTorchValue(length)}. The file is damaged.`,
    );
  }
  const dtype = typeOfStorage.get(type.name);
  const isKnown = dtype !== undefined || byteStorages.includes(type.name);
  return new PyTorchStorage(key, dtype, length, start, isKnown ? undefined : type.name);
}

/**
 * Implements `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata)`. The third version has the
 * element type before `metadata`. All versions begin with the same arguments.
 */
function rebuildTensor(caller: string, args: Arguments): PyTorchTensor | UnreadTensor {
  const [storage, offset, shape, strides, , , type] = args;
  if (!(storage instanceof PyTorchStorage) || !isList(shape) || !isList(strides)) {
    throw new IoError(
      `${caller}: expected a tensor of storage, offset, size and stride, got ${args.slice(0, 4).map(formatPyTorchValue).join(', ')}. ` +
        'The file is damaged.',
    );
  }
  const dtype = type instanceof PythonGlobal ? typeOfName.get(type.name) : storage.dtype;
  if (dtype === undefined) {
    return new UnreadTensor(type instanceof PythonGlobal ? type.name : (storage.otherType ?? 'of no element type'));
  }
  // PyTorch negates or conjugates the elements of such a view on access.
  const flags = args.slice(6).find((flag) => flag instanceof Map);
  if (flags instanceof Map && (flags.get('neg') || flags.get('conj'))) return new UnreadTensor('lazily negated');
  const tensor = new PyTorchTensor(dtype, shape as number[], strides as number[], offset as number, storage);
  checkTensor(caller, tensor);
  return tensor;
}

/** Reads a parameter as its tensor. */
const rebuildParameter: Callable = (_, [tensor]) => tensor;

const fromType = 'torch._tensor._rebuild_from_type_v2';

/** Implements `_rebuild_from_type_v2(function, class, arguments, attributes)`: a tensor, without its attributes. */
const rebuildFromType: Callable = (caller, [rebuild, , args]) => {
  if (!(rebuild instanceof PythonGlobal) || !isList(args)) return undefined;
  if (rebuild.name !== fromType) return call(caller, rebuild, args);
  throw new IoError(`${caller}: expected a tensor's function, got a nested ${fromType}. The file is damaged.`);
};

const unread =
  (kind: string): Callable =>
  () =>
    new UnreadTensor(kind);

const orderedDict: Callable = (_, [pairs = []]) =>
  isList(pairs) && pairs.every((pair) => isList(pair) && pair.length === 2)
    ? new Map(pairs as unknown as [PyTorchValue, PyTorchValue][])
    : undefined;

const size: Callable = (_, [items = []]) => (isList(items) ? Object.freeze([...items]) : undefined);

const set: Callable = (_, [items = []]) => (isList(items) ? new Set(items) : undefined);

/** Decodes bytes of pickle protocol 2: text of characters 0 to 255 with the name of its encoding. */
const encode: Callable = (_, [text, encoding]) =>
  typeof text === 'string' && encoding === 'latin1'
    ? Uint8Array.from(text, (character) => character.charCodeAt(0))
    : undefined;

/** Longest name of a nested class or method. */
const maximumNameLength = 1000;

/** Resolves a nested class or a method. */
const attribute: Callable = (_, [owner, name]) =>
  owner instanceof PythonGlobal && typeof name === 'string' && owner.name.length + name.length < maximumNameLength
    ? new PythonGlobal(`${owner.name}.${name}`)
    : undefined;

/** Functions of Python's builtins, whose module was renamed in Python 3. */
const builtins = (module: string): [string, Callable][] => [
  [`${module}.set`, set],
  [`${module}.frozenset`, set],
  [`${module}.bytearray`, (caller, args) => (args[0] instanceof Uint8Array ? args[0] : encode(caller, args))],
  [`${module}.getattr`, attribute],
];

const callables: ReadonlyMap<string, Callable> = new Map<string, Callable>([
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch._utils._rebuild_parameter_with_state', rebuildParameter],
  [fromType, rebuildFromType],
  ['torch._utils._rebuild_sparse_tensor', unread('sparse')],
  ['torch._utils._rebuild_nested_tensor', unread('nested')],
  ['torch._utils._rebuild_qtensor', unread('quantized')],
  ['torch._utils._rebuild_meta_tensor_no_storage', unread('without data')],
  ['torch.Size', size],
  ['collections.OrderedDict', orderedDict],
  ['collections.defaultdict', () => new Map()],
  ['_codecs.encode', encode],
  ...builtins('__builtin__'),
  ...builtins('builtins'),
]);

/** Functions with side effects. A file of weights never calls one. */
const harmful = new RegExp(
  [
    '^(__builtin__|builtins)\\.(eval|exec|execfile|compile|open|input|apply|breakpoint|__import__)$',
    '^(os|posix|nt)\\.(system|popen|exec|spawn|posix_spawn|startfile|fork|kill|open|remove|unlink|rename|replace|rmdir|putenv)',
    '^(subprocess|pty|runpy|importlib|ctypes|socket|webbrowser|shutil|marshal|torch\\.hub)\\.',
  ].join('|'),
);

/**
 * Evaluates a call in a pickle without running Python. The functions that make tensors and plain containers are implemented
 * here. The result of any other function is an object of its name and arguments.
 *
 * @throws IoError that names a harmful function.
 */
export function call(caller: string, callee: PythonGlobal | PythonObject, args: Arguments): PyTorchValue {
  if (callee instanceof PythonObject) return new PythonObject(callee.type, args);
  if (harmful.test(callee.name)) {
    throw new IoError(
      `${caller}: expected calls that make values, got ${callee.name}. It was not called: pickles are read as data. ` +
        'Do not open this file in Python. Get the weights from a source that you trust.',
    );
  }
  return callables.get(callee.name)?.(caller, args) ?? new PythonObject(callee.name, args);
}

/** Checks that a value is a list or a tuple. */
export function isList(value: PyTorchValue | undefined): value is readonly PyTorchValue[] {
  return Array.isArray(value);
}

/** Formats a value of a PyTorch file for error messages: `an object of collections.Counter`. */
export function formatPyTorchValue(value: PyTorchValue | undefined): string {
  if (value instanceof PythonGlobal) return value.name;
  if (value instanceof PythonObject) return `an object of ${value.type}`;
  if (value instanceof UnreadTensor) {
    return value.kind.startsWith('torch.') ? `a tensor of ${value.kind}` : `a tensor that is ${value.kind}`;
  }
  if (typeof value === 'string') return JSON.stringify(value.length > 50 ? `${value.slice(0, 50)}...` : value);
  if (isList(value)) return 'a list';
  if (value instanceof Map) return 'a dict';
  if (typeof value === 'object' && value !== null) return `a ${value.constructor.name}`;
  return String(value);
}
