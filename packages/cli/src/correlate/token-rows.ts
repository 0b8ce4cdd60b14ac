import { toFloat64Array } from '@dpar/io';
import { readNpy, readSafetensors } from '@dpar/io/node';
import { CommandError } from '../errors.js';

/** A row of numbers for each image. */
export interface TokenRows {
  readonly data: Float64Array;
  readonly images: number;
  /** Numbers of an image. */
  readonly length: number;
  /** The images' tokens, where the file has them: what tells images of two files apart. */
  readonly tokens?: Float64Array;
}

/**
 * Reads a tensor [N, ...] of a safetensors file, or the array of an `.npy` file.
 * @param name Of the tensor.
 * @throws CommandError if there is no such tensor, or it has no rows of numbers.
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
      `expected '${name}' [N, T] in '${path}', got [${stored.shape.join(', ')}]. Write a row for each image.`,
    );
  }
  const tokens = tensors?.get('tokens');
  const data = toFloat64Array(stored);
  if (!data.every(Number.isFinite)) {
    throw new CommandError(`expected finite '${name}' in '${path}', got others. Compute them again.`);
  }
  return { data, images, length, ...(tokens && { tokens: toFloat64Array(tokens) }) };
}
