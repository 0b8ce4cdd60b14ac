import type { ByteSource } from '../byte-stream.js';
import { IoError } from '../error.js';
import { formatBytes, refuseForeign } from '../foreign-file.js';
import { isCount, storedTypeBytes } from '../stored.js';
import { findZipData, isZip, readZipDirectory } from '../zip-reader.js';
import { formatPyTorchValue, isList, storageOfId } from './callables.js';
import { CutOffError, maximumPickleBytes } from './pickle-cursor.js';
import { parsePickle } from './pickle-reader.js';
import type { PyTorchStorage, PyTorchValue } from './values.js';

/** Position of a storage's data in a file. */
export interface StorageData {
  /** Position of the first byte. */
  readonly start: number;
  /** Length in bytes. */
  readonly size: number;
}

/** Value of a file, with the positions of its storages. */
export interface Container {
  readonly value: PyTorchValue;
  /** Finds the data of a storage. @throws IoError if they are missing. */
  find(storage: PyTorchStorage): Promise<StorageData>;
}

/** Reads a file of `torch.save`: a zip archive since PyTorch 1.6, before that pickles followed by data. */
export async function readContainer(caller: string, source: ByteSource): Promise<Container> {
  const first = await source.read(0, Math.min(source.size, formatBytes));
  if (!isZip(first)) refuseForeign(caller, 'a file of torch.save', 'pytorch', first);
  return isZip(first) ? readArchive(caller, source) : readLegacy(caller, source);
}

/** Reads an archive with the value in `NAME/data.pkl` and the storages in `NAME/data/KEY`. */
async function readArchive(caller: string, source: ByteSource): Promise<Container> {
  const directory = await readZipDirectory(caller, source);
  const { members } = directory;
  const pickleName = [...members.keys()].find((name) => name === 'data.pkl' || /^[^/]+\/data\.pkl$/.test(name));
  if (pickleName === undefined) {
    const names = [...members.keys()];
    const weights = names.find((name) => /\.(pt|pth|bin|ckpt|safetensors)$/.test(name));
    throw new IoError(
      `${caller}: expected an archive with data.pkl, got ${names.slice(0, 3).join(', ') || 'none'}. ` +
        (weights === undefined ? 'Pass a file of torch.save.' : `Unpack it and pass ${weights}.`),
    );
  }
  const prefix = pickleName.slice(0, -'data.pkl'.length);
  const read = async (name: string, limit: number): Promise<Uint8Array | undefined> => {
    const member = members.get(prefix + name);
    if (member === undefined) return undefined;
    if (member.size > limit) {
      throw new IoError(
        `${caller}: expected at most ${limit} bytes of ${name}, got ${member.size}. Save only the weights.`,
      );
    }
    return source.read(await findZipData(caller, source, directory, member), member.size);
  };
  const order = new TextDecoder().decode(await read('byteorder', 64));
  if (order !== '' && order.trim() !== 'little') throw bigEndian(caller, order.trim());
  if (members.has(`${prefix}constants.pkl`)) {
    throw new IoError(
      `${caller}: expected a file of torch.save, got one of torch.jit.save. Save its state_dict: torch.save(module.state_dict(), path).`,
    );
  }
  const pickle = (await read('data.pkl', maximumPickleBytes)) as Uint8Array;
  const { value } = parsePickle(caller, pickle, 0, (id) => storageOfId(caller, id));
  return {
    value,
    async find({ key }) {
      const member = members.get(`${prefix}data/${key}`);
      if (member === undefined) throw missing(caller, key);
      return { start: await findZipData(caller, source, directory, member), size: member.size };
    },
  };
}

/** First value of a file of the older format. */
const legacyMagic = 0x1950a86a20f9469cfc6cn;

/** Bytes first read for the pickles of the older format. */
const firstWindow = 1 << 16;

/** Reads the older format: five pickles (magic, version, system, value, keys), then for each key the length and data. */
async function readLegacy(caller: string, source: ByteSource): Promise<Container> {
  const { value, keys, types, end } = await readPickles(caller, source);
  const places = new Map<string, StorageData>();
  let position = end;
  let unknown: string | undefined;
  for (const key of keys) {
    const type = typeof key === 'string' ? types.get(key) : undefined;
    if (typeof key !== 'string' || type === undefined || position + 8 > source.size) throw missing(caller, String(key));
    const head = await source.read(position, 8);
    const elements = Number(new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true));
    const width = bytesPerElement(type);
    if (width === undefined) {
      unknown = type.otherType; // the positions of the following storages are unknown
      break;
    }
    const size = elements * width;
    position += 8;
    if (!isCount(size) || position + size > source.size) throw missing(caller, key);
    places.set(key, { start: position, size });
    position += size;
  }
  return {
    value,
    async find({ key }) {
      const place = places.get(key);
      if (place !== undefined) return place;
      if (unknown === undefined) throw missing(caller, key);
      throw new IoError(
        `${caller}: expected data of the storage '${key}' after storages of known size, got ${unknown} before it. ` +
          'Save the file again with PyTorch 1.6 or later.',
      );
    },
  };
}

/** Reads the pickles at the start of a file of the older format, whose length is unknown. */
async function readPickles(caller: string, source: ByteSource) {
  for (let window = firstWindow; ; window *= 2) {
    const bytes = await source.read(0, Math.min(source.size, window));
    try {
      return parsePickles(caller, bytes);
    } catch (error) {
      const wider = bytes.length < Math.min(source.size, maximumPickleBytes);
      if (!(error instanceof CutOffError && wider)) throw error;
    }
  }
}

function parsePickles(caller: string, bytes: Uint8Array) {
  const types = new Map<string, PyTorchStorage>();
  const storageOf = (id: PyTorchValue): PyTorchValue => {
    if (isList(id) && id[0] === 'module') return id[1] ?? null; // a class with its source text, which is ignored
    const storage = storageOfId(caller, id);
    types.set(storage.key, storage);
    return storage;
  };
  let position = 0;
  const next = (): PyTorchValue => {
    const read = parsePickle(caller, bytes, position, storageOf);
    position = read.end;
    return read.value;
  };
  const magic = bytes[0] === 0x80 ? next() : undefined;
  if (magic !== legacyMagic) {
    throw new IoError(
      `${caller}: expected a file of torch.save, got one that begins with ${formatPyTorchValue(magic)}. ` +
        'Check that it is a PyTorch file.',
    );
  }
  next(); // version of the format
  const system = next();
  if (system instanceof Map && system.get('little_endian') === false) throw bigEndian(caller, 'big');
  const value = next();
  const keys = next();
  if (!isList(keys)) throw missing(caller, 'of any name');
  return { value, keys, types, end: position };
}

/** Bytes per element of unsupported storages. */
const otherTypeBytes: ReadonlyMap<string, number> = new Map([
  ['torch.ComplexFloatStorage', 8],
  ['torch.ComplexDoubleStorage', 16],
  ['torch.QInt8Storage', 1],
  ['torch.QUInt8Storage', 1],
  ['torch.QInt32Storage', 4],
  ['torch.QUInt4x2Storage', 1],
  ['torch.QUInt2x4Storage', 1],
]);

/** Bytes per element of a storage. Undefined for an unknown type. */
export function bytesPerElement({ dtype, otherType }: PyTorchStorage): number | undefined {
  if (otherType !== undefined) return otherTypeBytes.get(otherType);
  return dtype === undefined ? 1 : storedTypeBytes[dtype];
}

function missing(caller: string, key: string): IoError {
  return new IoError(`${caller}: expected data of the storage '${key}', got none. The file is damaged or truncated.`);
}

function bigEndian(caller: string, order: string): IoError {
  return new IoError(
    `${caller}: expected numbers in little-endian order, got '${order}'. Save the file again on a little-endian machine.`,
  );
}
