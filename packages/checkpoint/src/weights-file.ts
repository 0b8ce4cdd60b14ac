import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  entriesOf,
  formatPyTorchValue,
  formatStoredType,
  indexSuffix,
  type PyTorchTensor,
  type PyTorchValue,
  type StoredTensor,
  type StoredType,
} from '@dpar/io';
import { checkpointFiles, dequantized, openPyTorch, openSafetensors, readJson } from '@dpar/io/node';
import type { Json } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { modelKinds } from './kinds.js';
import { plainAttributes } from './plain-values.js';
import { type FoundStateDict, findAverage, findStateDict } from './state-dict.js';

/** A tensor of a file, read piece by piece when asked for. */
export interface Weight extends StoredType {
  chunks(): AsyncIterable<Uint8Array>;
}

/** Tensors by the names that the file gives them. */
export type Weights = ReadonlyMap<string, Weight>;

/** A state_dict of a file. */
export interface FileStateDict {
  readonly tensors: Weights;
  /** What stands under its other names, as text: tensors of types that are not read, and values of other kinds. */
  readonly others: ReadonlyMap<string, string>;
}

/** An open file of weights, of PyTorch or safetensors. */
export interface WeightsFile {
  readonly model: FileStateDict | undefined;
  /** The moving average. */
  readonly average: FileStateDict | undefined;
  /** The optimizer's state_dict. */
  readonly optimizer: PyTorchValue | undefined;
  /** Its keys, as error messages show them. */
  readonly keys: string;
  /** config.json and trainer.json, where the file was exported here. */
  readonly config: Json | undefined;
  readonly trainer: Json | undefined;
  /** What the training script was called with. */
  readonly args: Json;
  /** Free text of a safetensors file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What is wrong with the file without touching the weights. */
  readonly notes: readonly string[];
  read(tensor: PyTorchTensor): Promise<StoredTensor>;
  chunks(tensor: PyTorchTensor): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a file of weights: one of `torch.save` or a safetensors file, told by its first bytes; the index of several
 * safetensors files (`.safetensors.index.json`); or a folder with `model.safetensors` or such an index, and `config.json` if
 * it is one of these models.
 * @throws IoError if it is none of these.
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
 * Whether a file is one of safetensors: its header begins there, or its name says so and it does not begin as PyTorch files do,
 * with PK or an opcode.
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
  const weight = ([name, type]: readonly [string, StoredType]) =>
    [name, { ...type, chunks: () => file.chunks(name) }] as const;
  return {
    model: {
      tensors: new Map(Array.from(file.types, weight)),
      others: new Map(Array.from(file.unread, ([name, type]) => [name, formatStoredType(type)])),
    },
    average: undefined,
    optimizer: undefined,
    keys: 'tensors',
    config,
    trainer: undefined,
    args: {},
    metadata: file.metadata,
    notes: file.notes,
    read: () => noPyTorch(),
    chunks: () => noPyTorch(),
    close: () => file.close(),
  };
}

function noPyTorch(): never {
  throw new DparError('openWeights: expected a tensor of PyTorch, got one of safetensors.');
}

async function openPyTorchWeights(path: string): Promise<WeightsFile> {
  const file = await openPyTorch(path);
  try {
    const entries = entriesOf(file.value);
    const stateDict = (found: FoundStateDict | undefined): FileStateDict | undefined =>
      found && {
        tensors: new Map(
          Array.from(found.tensors, ([name, tensor]) => {
            const { dtype, shape } = tensor;
            return [name, { dtype, shape, chunks: () => file.chunks(tensor) }];
          }),
        ),
        others: found.others,
      };
    const attributes = (key: string): Json => plainAttributes(entries?.get(key));
    const config = jsonOf(entries?.get('config'));
    return {
      model: stateDict(findStateDict(file.value)),
      average: stateDict(findAverage(file.value)),
      optimizer: entries?.get('optimizer') ?? undefined,
      keys: entries === undefined ? formatPyTorchValue(file.value) : shownKeys([...entries.keys()]),
      config: isOurs(config) ? config : undefined,
      trainer: jsonOf(entries?.get('trainer')),
      args: { ...config, ...attributes('hyper_parameters'), ...attributes('args') },
      metadata: {},
      notes: [],
      read: (tensor) => file.read(tensor),
      chunks: (tensor) => file.chunks(tensor),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** An object that stands in the file as JSON text, or as a dict where a script has put it there; undefined for others. */
function jsonOf(value: PyTorchValue | undefined): Json | undefined {
  if (typeof value !== 'string') return value === undefined ? undefined : plainAttributes(value);
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Json) : undefined;
  } catch {
    return undefined; // such as the path of a configuration
  }
}

/** Whether a configuration is the config.json of one of these models, not that of another program. */
function isOurs(config: Json | undefined): boolean {
  return modelKinds.some(({ name }) => name === config?.kind);
}

/** Most keys that an error message shows. */
const shownKeyCount = 8;

function shownKeys(keys: readonly PyTorchValue[]): string {
  const names = keys.slice(0, shownKeyCount).map((key) => (typeof key === 'string' ? key : formatPyTorchValue(key)));
  return `${names.join(', ') || 'none'}${keys.length > names.length ? ', ...' : ''}`;
}
