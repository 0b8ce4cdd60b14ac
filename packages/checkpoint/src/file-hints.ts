import type { Json } from '@dpar/nn';

/** Facts about a model that its file holds beside the weights. */
export interface Hints {
  /** Arguments of LlamaGen's training script. */
  readonly args?: Json;
  /** Path of the file: LlamaGen's are published as `c2i_B_256.pt`. */
  readonly file?: string | undefined;
  /** Shape of the rotary table that some versions of LlamaGen keep: [class tokens + T, headDim / 2, 2]. */
  readonly rotaryTable?: readonly number[] | undefined;
}

/** Tokens of an image, from `image_size` and `downsample_size` of LlamaGen's training script. */
export function tokensOfArguments({ image_size: pixels, downsample_size: factor = 16 }: Json): number | undefined {
  if (typeof pixels !== 'number' || typeof factor !== 'number') return undefined;
  return Math.floor(pixels / factor) ** 2;
}

/** Tokens of an image, from the name of a published file such as `c2i_B_256.pt`. */
export function tokensOfName(file: string): number | undefined {
  const [, pixels] = /(?:^|[/\\])c2i_[^_/\\]+_(256|384|512)\b[^/\\]*$/.exec(file) ?? [];
  return pixels === undefined ? undefined : tokensOfArguments({ image_size: Number(pixels) });
}

/**
 * Tokens and heads, from the shape of a rotary table [class tokens + T, headDim / 2, 2].
 * @returns `undefined` if the shape is not that of a table for square images
 */
export function sizesOfRotaryTable(
  shape: readonly number[],
  dim: number,
  classTokens: number,
): { readonly blockSize: number; readonly heads: number } | undefined {
  const [positions = 0, pairs = 0, parts] = shape;
  const blockSize = positions - classTokens;
  const heads = dim / (2 * pairs);
  const fits = shape.length === 3 && parts === 2 && Number.isInteger(Math.sqrt(blockSize)) && Number.isInteger(heads);
  return fits && blockSize > 0 ? { blockSize, heads } : undefined;
}
