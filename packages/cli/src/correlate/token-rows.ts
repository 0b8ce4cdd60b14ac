import { toFloat64Array } from '@dpar/io';
import { readNpy, readSafetensors } from '@dpar/io/node';
import { CommandError } from '../command/errors.js';

/** A row of numbers for each image. */
export interface TokenRows {
  readonly data: Float64Array;
  readonly images: number;
  /** Numbers per image. */
  readonly length: number;
  /** Tokens of the images, if the file has them, to compare the images of two files. */
  readonly tokens?: Float64Array;
}

/**
 * Reads a tensor [N, ...] of a safetensors file, or the array of an `.npy` file.
 * @param name Name of the tensor.
 * @throws CommandError if the tensor is missing, or has no rows of finite numbers.
 */
export async function readTokenRows(path: string, name: string): Promise<TokenRows> {
  const tensors = path.endsWith('.npy') ? undefined : (await readSafetensors(path)).tensors;
  const stored = tensors === undefined ? await readNpy(path) : tensors.get(name);
  if (stored === undefined) {
    const found = [...(tensors?.keys() ?? [])].join(', ');
    throw new CommandError(`expected '${name}' in '${path}', got ${found || 'no tensors'}. Check the file.`);
  }
  const [images = 0, ...rest] = stored.shape;
  const length = rest.reduce((a, b) => a * b, 1);
  if (rest.length === 0 || images === 0 || length === 0) {
    throw new CommandError(
      `expected '${name}' [N, T] in '${path}', got [${stored.shape.join(', ')}]. Write one row for each image.`,
    );
  }
  const tokens = tensors?.get('tokens');
  const data = toFloat64Array(stored);
  const infinite = data.find((value) => !Number.isFinite(value));
  if (infinite !== undefined) {
    throw new CommandError(`expected finite '${name}' in '${path}', got ${infinite}. Compute them again.`);
  }
  return { data, images, length, ...(tokens && { tokens: toFloat64Array(tokens) }) };
}
