import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { indexSuffix, type PyTorchTensor, type PyTorchValue, type StoredTensor, type StoredType } from '@dpar/io';
import { checkpointFiles, openPyTorch, openSafetensors, readSettings } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { plainAttributes } from './plain-values.js';
import { importedKinds } from './recognise.js';
import { findStateDict, stateDictOf } from './state-dict.js';

type Json = Readonly<Record<string, unknown>>;

/** A tensor of a file, read piece by piece when asked for. */
export interface Weight extends StoredType {
  chunks(): AsyncIterable<Uint8Array>;
}

/** Tensors by the names that the file gives them. */
export type Weights = ReadonlyMap<string, Weight>;

/** An open file of weights, of PyTorch or safetensors. */
export interface WeightsFile {
  readonly model: Weights | undefined;
  /** The moving average. */
  readonly average: Weights | undefined;
  /** The optimizer's state_dict. */
  readonly optimizer: PyTorchValue | undefined;
  /** Steps of training. */
  readonly steps: number | undefined;
  /** config.json and trainer.json, where the file was exported here. */
  readonly config: Json | undefined;
  readonly trainer: Json | undefined;
  /** What the training script was called with. */
  readonly args: Json;
  /** Free text of a safetensors file. */
  readonly metadata: Readonly<Record<string, string>>;
  read(tensor: PyTorchTensor): Promise<StoredTensor>;
  chunks(tensor: PyTorchTensor): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a file of weights: one of `torch.save` or a safetensors file, told by its first bytes; the index of several
 * safetensors files (`.safetensors.index.json`); or a folder with `model.safetensors` or such an index, and `config.json` if
 * it is one of these models.
 * @throws IoError if it is none of these; DparError if a text in it is not JSON.
 */
export async function openWeights(path: string): Promise<WeightsFile> {
  if (path.endsWith(indexSuffix)) return openSafetensorsWeights(path);
  if ((await stat(path)).isDirectory()) {
    const config = await readSettings(join(path, checkpointFiles.config));
    const ours = importedKinds.some((kind) => kind === config?.kind) ? config : undefined;
    return openSafetensorsWeights(join(path, checkpointFiles.model), ours);
  }
  return (await isSafetensors(path)) ? openSafetensorsWeights(path) : openPyTorchWeights(path);
}

/** Whether the file's header begins where that of a safetensors file does. PyTorch files begin with PK or an opcode. */
async function isSafetensors(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(9), 0, 9, 0);
    return bytesRead === 9 && buffer[8] === 0x7b && buffer.toString('latin1', 0, 2) !== 'PK';
  } finally {
    await handle.close();
  }
}

async function openSafetensorsWeights(path: string, config?: Json): Promise<WeightsFile> {
  const file = await openSafetensors(path);
  const weight = ([name, type]: readonly [string, StoredType]) =>
    [name, { ...type, chunks: () => file.chunks(name) }] as const;
  return {
    model: new Map(Array.from(file.types, weight)),
    average: undefined,
    optimizer: undefined,
    steps: undefined,
    config,
    trainer: undefined,
    args: {},
    metadata: file.metadata,
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
    const entry = (key: string): PyTorchValue | undefined =>
      file.value instanceof Map ? file.value.get(key) : undefined;
    const weights = (dict: ReadonlyMap<string, PyTorchTensor> | undefined): Weights | undefined =>
      dict &&
      new Map(
        Array.from(dict, ([name, tensor]) => {
          const { dtype, shape } = tensor;
          return [name, { dtype, shape, chunks: () => file.chunks(tensor) }];
        }),
      );
    const steps = entry('steps');
    return {
      model: weights(findStateDict(file.value)),
      average: weights(stateDictOf(entry('ema'))),
      optimizer: entry('optimizer') ?? undefined,
      steps: typeof steps === 'number' ? steps : undefined,
      config: jsonOf(path, 'config', entry('config')),
      trainer: jsonOf(path, 'trainer', entry('trainer')),
      args: plainAttributes(entry('args')),
      metadata: {},
      read: (tensor) => file.read(tensor),
      chunks: (tensor) => file.chunks(tensor),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** An object that stands in the file as JSON text, or as a dict where a script has put it there. */
function jsonOf(path: string, key: string, value: PyTorchValue | undefined): Json | undefined {
  if (value instanceof Map) return plainAttributes(value);
  if (typeof value !== 'string') return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Json;
  } catch {}
  throw new DparError(`importCheckpoint: expected '${key}' of '${path}' to be a JSON object, got other text.`);
}
