import { readFile } from 'node:fs/promises';
import { toHostTensors } from '@dpar/io';
import { openCheckpoint, readSafetensors } from '@dpar/io/node';
import type { ImageArchitecture, Json } from '@dpar/nn';
import { DparError, formatType, type HostTensor, int32, type Tensors } from '@dpar/tensor';
import { checkTokenSet, type TokenSet, tokenSet } from '@dpar/train';
import { CommandError } from './command/errors.js';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for a JSON object; false for a list and null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a file with a JSON object. @throws CommandError for any other content. */
export async function readJsonObject(path: string): Promise<JsonObject> {
  // Node's error for a folder does not name the path.
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EISDIR' ? Object.assign(error, { path }) : error;
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`expected JSON in '${path}', got invalid JSON (${reason}). Check the file.`);
  }
  if (!isObject(value)) {
    const got = Array.isArray(value) ? `a list of ${value.length}` : JSON.stringify(value).slice(0, 60);
    throw new CommandError(`expected a JSON object in '${path}', got ${got}. Check the file.`);
  }
  return value;
}

/** Content of a checkpoint's config.json, with keys that do not belong to the model. */
export async function readCheckpointConfig(folder: string): Promise<Json> {
  const { config, parameters } = await openCheckpoint(folder);
  await parameters.close();
  return config;
}

/** Reads the tensors of a safetensors file. */
export async function readTensors(path: string): Promise<Tensors<HostTensor>> {
  return toHostTensors((await readSafetensors(path)).tensors);
}

/**
 * Tokenized images among tensors: `tokens` [N, T], `labels` [N] and, for DPAR, optional `entropies` [N, T - 1].
 * A model without classes needs no labels. A label can be the null class.
 * @throws DparError if a tensor is missing or does not fit the model.
 */
export function tokensFor(model: ImageArchitecture, tensors: Tensors<HostTensor>, name: string): TokenSet {
  const { tokens, entropies } = tensors;
  const labels = tensors.labels ?? (!model.kind.hasClasses ? int32([tokens?.shape[0] ?? 0]) : undefined);
  // Only models with patches read entropies.
  const fits = entropies !== undefined && model.kind.hasPatches;
  const set = tokenSet({ tokens, labels, ...(fits && { entropies }) });
  checkTokenSet(model, set, name, { nullClass: true });
  return set;
}

/**
 * Patch lengths among tensors, int32 [B, M] padded with zeros; undefined if the tensors have none.
 * @throws DparError if they do not fit the images.
 */
export function patchLengthsOf(
  model: ImageArchitecture,
  { patch_lengths: given }: Tensors<HostTensor>,
  images: number,
) {
  if (given === undefined) return undefined;
  if (given.dtype !== 'int32' || given.shape.length !== 2 || given.shape[0] !== images) {
    throw new DparError(`expected 'patch_lengths' of type int32[${images}, M], got ${formatType(given)}.`);
  }
  const M = given.shape[1] ?? 0;
  const predicted = model.kind.predictedTokens(model.config);
  for (let b = 0; b < images; b++) {
    const sum = given.data.subarray(b * M, (b + 1) * M).reduce((total: number, length: number) => total + length, 0);
    if (sum !== predicted) {
      throw new DparError(
        `expected 'patch_lengths' of image ${b} to sum to ${predicted} tokens, got ${sum}. Check the file.`,
      );
    }
  }
  return { dtype: given.dtype, shape: given.shape, data: given.data };
}
