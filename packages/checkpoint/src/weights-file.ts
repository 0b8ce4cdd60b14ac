import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ChunkedTensor,
  entriesOf,
  formatPyTorchValue,
  formatStoredType,
  indexSuffix,
  type PyTorchTensor,
  type PyTorchValue,
  type StoredType,
  toHostTensor,
} from '@dpar/io';
import { checkpointFiles, dequantized, openPyTorch, openSafetensors, readJson } from '@dpar/io/node';
import type { Json } from '@dpar/nn';
import { classesKey } from '@dpar/train/node';
import { modelKinds } from './kinds.js';
import { plainAttributes } from './plain-values.js';
import { type FoundStateDict, findAverage, findStateDict } from './state-dict.js';

/** A tensor of a file, read in chunks on demand. */
export interface Weight extends StoredType {
  chunks(): AsyncIterable<Uint8Array>;
}

/** A tensor for a file that is being written; its chunks end with the signal's reason once it is aborted. */
export function streamed({ dtype, shape, chunks }: Weight, signal: AbortSignal | undefined): ChunkedTensor {
  async function* abortable(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks()) {
      signal?.throwIfAborted();
      yield chunk;
    }
  }
  return { dtype, shape, chunks: { [Symbol.asyncIterator]: abortable } };
}

/** Tensors by the names in their file. */
export type Weights = ReadonlyMap<string, Weight>;

/** A state_dict of a file. */
export interface FileStateDict {
  readonly tensors: Weights;
  /** Other entries, as text: tensors of types that are not supported, and values that are not tensors. */
  readonly others: ReadonlyMap<string, string>;
}

/** An optimizer's state_dict of a PyTorch file. */
export interface FileOptimizer {
  readonly value: PyTorchValue;
  /** The only element of a tensor. */
  readNumber(tensor: PyTorchTensor): Promise<number>;
  weight(tensor: PyTorchTensor): Weight;
}

/** An open file of weights in PyTorch's or safetensors format. */
export interface WeightsFile {
  readonly model: FileStateDict | undefined;
  /** The moving average. */
  readonly average: FileStateDict | undefined;
  readonly optimizer: FileOptimizer | undefined;
  /** Its keys, for error messages. */
  readonly keys: string;
  /** config.json and trainer.json, if `exportPyTorch` wrote the file. */
  readonly config: Json | undefined;
  readonly trainer: Json | undefined;
  /** List of the names of the classes in the file, unchecked; `undefined` if there is none. */
  readonly classes: unknown;
  /** Arguments of the training script. */
  readonly args: Json;
  /** Free text of a safetensors file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Faults of the file that do not affect the weights, such as a wrong total size in an index. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens weights: a file of `torch.save`, a safetensors file, the index of several safetensors files
 * (`.safetensors.index.json`), or a folder with `model.safetensors` or its index. The first bytes of a file decide on its
 * format. A folder's `config.json` is read if it describes a model of a known kind.
 * @throws IoError if the path is none of these.
 */
export async function openWeights(path: string): Promise<WeightsFile> {
  if (path.endsWith(indexSuffix)) return openSafetensorsWeights(path);
  if ((await stat(path)).isDirectory()) {
    const config = await readJson(join(path, checkpointFiles.config));
    return openSafetensorsWeights(join(path, checkpointFiles.model), isOurs(config) ? config : undefined);
  }
  return (await isSafetensors(path)) ? openSafetensorsWeights(path) : openPyTorchWeights(path);
}

/**
 * True for a file that begins with a safetensors header. A file with that extension also counts, unless it begins like a
 * PyTorch file, with PK or an opcode.
 */
async function isSafetensors(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(9), 0, 9, 0);
    if (buffer.toString('latin1', 0, 2) === 'PK') return false;
    if (bytesRead === 9 && buffer[8] === 0x7b) return true;
    return path.endsWith('.safetensors') && buffer[0] !== 0x80;
  } finally {
    await handle.close();
  }
}

async function openSafetensorsWeights(path: string, config?: Json): Promise<WeightsFile> {
  const file = dequantized(await openSafetensors(path));
  const tensors = new Map<string, Weight>();
  for (const [name, { dtype, shape }] of file.types) {
    tensors.set(name, { dtype, shape, chunks: () => file.chunks(name) });
  }
  const others = new Map(Array.from(file.unread, ([name, type]) => [name, formatStoredType(type)]));
  const { [classesKey]: classes, ...metadata } = file.metadata;
  return {
    model: { tensors, others },
    average: undefined,
    optimizer: undefined,
    keys: 'tensors',
    config,
    trainer: undefined,
    classes: classes === undefined ? undefined : parsedList(classes),
    args: {},
    metadata,
    notes: file.notes,
    close: () => file.close(),
  };
}

async function openPyTorchWeights(path: string): Promise<WeightsFile> {
  const file = await openPyTorch(path);
  try {
    const entries = entriesOf(file.value);
    const weight = (tensor: PyTorchTensor): Weight => {
      const { dtype, shape } = tensor;
      return { dtype, shape, chunks: () => file.chunks(tensor) };
    };
    const stateDict = (found: FoundStateDict | undefined): FileStateDict | undefined =>
      found && {
        tensors: new Map(Array.from(found.tensors, ([name, tensor]) => [name, weight(tensor)])),
        others: found.others,
      };
    const readNumber = async (tensor: PyTorchTensor) => Number(toHostTensor(await file.read(tensor)).data[0]);
    const optimizer = entries?.get('optimizer') ?? undefined;
    const config = jsonOf(entries?.get('config'));
    return {
      model: stateDict(findStateDict(file.value)),
      average: stateDict(findAverage(file.value)),
      optimizer: optimizer === undefined ? undefined : { value: optimizer, readNumber, weight },
      keys: entries === undefined ? formatPyTorchValue(file.value) : shownKeys(entries),
      config: isOurs(config) ? config : undefined,
      trainer: jsonOf(entries?.get('trainer')),
      classes: entries?.get(classesKey),
      args: {
        ...config,
        ...plainAttributes(entries?.get('hyper_parameters')),
        ...plainAttributes(entries?.get('args')),
      },
      metadata: {},
      notes: [],
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A list as JSON text; the text itself if it is not JSON. */
function parsedList(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An object that the file holds as JSON text, or as a dict; `undefined` for other values. */
function jsonOf(value: PyTorchValue | undefined): Json | undefined {
  if (typeof value !== 'string') return value === undefined ? undefined : plainAttributes(value);
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Json) : undefined;
  } catch {
    return undefined; // such as the path of a configuration
  }
}

/** True for the config.json of a model of a known kind, false for the configuration of another program. */
function isOurs(config: Json | undefined): boolean {
  return modelKinds.some(({ name }) => name === config?.kind);
}

/** Largest number of keys in an error message. */
const shownKeyCount = 8;

/** Keys of a dict, for error messages. */
export function shownKeys(dict: ReadonlyMap<PyTorchValue, PyTorchValue> | undefined): string {
  const keys = [...(dict?.keys() ?? [])];
  const names = keys.slice(0, shownKeyCount).map((key) => (typeof key === 'string' ? key : formatPyTorchValue(key)));
  return `${names.join(', ') || 'none'}${keys.length > names.length ? ', ...' : ''}`;
}
