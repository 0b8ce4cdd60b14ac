import type { Kind } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';
import { type ChunkedTensor, chunkedTensorKinds, dataChunks, typeToWrite } from '../chunks.js';
import { byteLengthOf, type HostTensor, type StoredTensor, type StoredType, storedTensorKinds } from '../stored.js';
import { type ZipEntry, zipChunks } from '../zip.js';
import { checkDepth, PickleWriter } from './pickle-writer.js';

/**
 * Value of a PyTorch file. Maps and plain objects become dicts, arrays lists, frozen arrays tuples, whole numbers int and other
 * numbers float. An object with `dtype` and `shape` is a tensor. A tensor that occurs twice is written once.
 */
export type WritablePyTorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | HostTensor
  | StoredTensor
  | ChunkedTensor
  | readonly WritablePyTorchValue[]
  | ReadonlyMap<string | number, WritablePyTorchValue>
  | { readonly [key: string]: WritablePyTorchValue };

export const writableKinds: Kind = [
  'string | number | bigint | boolean | any[] | Map | object | null',
  'HostTensor',
  storedTensorKinds,
  chunkedTensorKinds,
];

type WritableTensor = HostTensor | StoredTensor | ChunkedTensor;

/** A tensor to write, with the key of its storage. */
interface Storage {
  readonly key: string;
  readonly tensor: WritableTensor;
  readonly type: StoredType;
}

/** Alignment of data in the archive in bytes, as in PyTorch, which maps them into memory. */
const alignment = 64;

/**
 * Streams the bytes of a PyTorch file in the zip format, for `torch.load(path, weights_only=True)`. The same values give the
 * same bytes. Memory: the pickle and one piece.
 *
 * @throws IoError if a tensor's data do not match its shape, or its element type (U16, U32, U64) has no storage in PyTorch. Also
 * if values are nested more than 100 deep.
 */
export function pytorchChunks(value: WritablePyTorchValue): AsyncGenerator<Uint8Array> {
  checkArguments('pytorchChunks', { value }, { value: writableKinds });
  const storages = new Map<WritableTensor, Storage>();
  const pickle = new PickleWriter();
  writeValue(pickle, value, storages, 0);
  const text = (name: string, content: string): ZipEntry => fileOf(name, new TextEncoder().encode(content));
  const data = Array.from(storages.values(), ({ key, tensor, type }) => ({
    name: `archive/data/${key}`,
    size: byteLengthOf(type) as number,
    chunks: dataChunks(tensor, 'F32'),
  }));
  const entries = [fileOf('data.pkl', pickle.finish()), text('byteorder', 'little'), ...data, text('version', '3\n')];
  return zipChunks(entries, alignment);
}

function fileOf(name: string, bytes: Uint8Array): ZipEntry {
  return { name: `archive/${name}`, size: bytes.length, chunks: [bytes] };
}

function writeValue(
  pickle: PickleWriter,
  value: WritablePyTorchValue,
  storages: Map<WritableTensor, Storage>,
  depth: number,
): void {
  checkDepth(depth);
  const write = (inner: WritablePyTorchValue): void => writeValue(pickle, inner, storages, depth + 1);
  if (typeof value !== 'object' || value === null) pickle.scalar(value);
  else if (isArray(value)) pickle.sequence(value, Object.isFrozen(value) ? 'tuple' : 'list', write);
  else if (isTensor(value)) {
    const storage = storages.get(value) ?? storageOf(value, storages.size);
    storages.set(value, storage);
    pickle.tensor(storage.type, storage.key);
  } else {
    pickle.dict(value instanceof Map ? value : Object.entries(value), ([key, inner]) => {
      pickle.scalar(key);
      write(inner);
    });
  }
}

function storageOf(tensor: WritableTensor, index: number): Storage {
  const key = String(index);
  const type = typeToWrite('formatPyTorch', `tensor ${key}`, tensor, 'F32');
  return { key, tensor, type };
}

function isArray(value: WritablePyTorchValue): value is readonly WritablePyTorchValue[] {
  return Array.isArray(value);
}

function isTensor(value: object): value is WritableTensor {
  return 'dtype' in value && 'shape' in value && ('data' in value || 'bytes' in value || 'chunks' in value);
}
