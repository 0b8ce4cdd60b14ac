import type { KindsOf } from '@dpar/check';
import type { PaddedPatches } from '@dpar/patchify';
import {
  DparError,
  formatType,
  type HostTensor,
  type HostTensorOf,
  hostTensor,
  type Shape,
  sameShape,
} from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Tokenized images in memory. N images, T tokens each. */
export interface TokenSet {
  /** [N, T], raster order */
  readonly tokens: HostTensorOf<'int32'>;
  /**
   * [N], classes from 0. Or [N, W], prompts: the words of an image, each with a class of its own, the most important first. A prompt
   * of fewer words repeats each.
   */
  readonly labels: HostTensorOf<'int32'>;
  /** [N, T - 1], nats: entry j belongs to the prediction of token j + 1. Required if patches are made of entropies. */
  readonly entropies?: HostTensorOf<'float32'>;
}

/** Kinds of an int32 tensor. */
export const int32Kinds = { dtype: "'int32'", shape: 'number[]', data: 'Int32Array', '*': 'any' } as const;

/** Kinds of {@link TokenSet}. */
export const tokenSetKinds: KindsOf<TokenSet> = {
  tokens: int32Kinds,
  labels: int32Kinds,
  'entropies?': { dtype: "'float32'", shape: 'number[]', data: 'Float32Array', '*': 'any' },
  '*': 'any',
};

/** B images of a set, in the order of a batch. */
export interface Batch extends TokenSet {
  /** [B], numbers of the images in the set. */
  readonly images: Int32Array;
  /** [B, M], padded with zeros: given patches, instead of patches made of entropies. */
  readonly patchLengths?: PaddedPatches;
  /** [B, T], tokens to predict, if those that are read have noise. */
  readonly targets?: HostTensorOf<'int32'>;
}

/** Number of images N and tokens per image T of a set. */
export function sizeOfSet(tokenSet: TokenSet): { images: number; tokensPerImage: number } {
  checkArguments('sizeOfSet', { tokenSet }, { tokenSet: tokenSetKinds });
  const { tokens } = tokenSet;
  const [images = 0, tokensPerImage = 0] = tokens.shape;
  return { images, tokensPerImage };
}

/**
 * Creates a token set from the tensors of a file, without a copy.
 * @throws DparError if a tensor is missing, or its shape or element type does not match {@link TokenSet}.
 */
export function tokenSet(tensors: {
  readonly tokens: HostTensor | undefined;
  readonly labels: HostTensor | undefined;
  readonly entropies?: HostTensor | undefined;
}): TokenSet {
  checkArguments(
    'tokenSet',
    { tensors },
    {
      tensors: {
        'tokens?': 'HostTensor',
        'labels?': 'HostTensor',
        'entropies?': 'HostTensor',
        '*': 'any',
      },
    },
  );

  const { tokens, labels, entropies } = tensors;
  if (tokens?.dtype !== 'int32' || tokens.shape.length !== 2) {
    throw new DparError(
      `tokenSet: expected 'tokens' of type int32[N, T], got ${tokens ? formatType(tokens) : 'none'}. ` +
        'Pass tokens as dpar tokenize writes them.',
    );
  }
  const [images = 0, length = 0] = tokens.shape;
  check('labels', labels, 'int32', labels?.shape.length === 2 ? [images, labels.shape[1] ?? 0] : [images]);
  if (entropies === undefined) return { tokens, labels };
  check('entropies', entropies, 'float32', [images, length - 1]);
  return { tokens, labels, entropies };
}

function check<D extends 'int32' | 'float32'>(
  name: string,
  tensor: HostTensor | undefined,
  dtype: D,
  shape: Shape,
): asserts tensor is HostTensorOf<D> {
  if (tensor?.dtype === dtype && sameShape(tensor.shape, shape)) return;
  const expected = formatType({ dtype, shape });
  const got = tensor ? formatType(tensor) : 'none';
  throw new DparError(
    `tokenSet: expected '${name}' of type ${expected} to go with the tokens, got ${got}. Pass those of the same images.`,
  );
}

/**
 * The words of a prompt in a row of `labels` of a {@link TokenSet}: each word is repeated, all about as often, so that the mean of the
 * row is that of the words.
 * @param words Classes of the words, at least one.
 * @param length W, at least as many.
 * @returns [W]
 * @throws DparError without words, or for more of them than W.
 */
export function promptRow(words: ArrayLike<number>, length: number): Int32Array {
  checkArguments('promptRow', { words, length }, { words: 'number[]', length: 'number' });
  if (!(words.length >= 1 && words.length <= length)) {
    throw new DparError(
      `promptRow: expected 1 to ${length} words, got ${words.length}. Leave out the least important.`,
    );
  }
  return Int32Array.from({ length }, (_, i) => words[Math.floor((i * words.length) / length)] as number);
}

/** Copies images of a set. @throws DparError for an image that the set does not have. */
export function takeImages(set: TokenSet, images: ArrayLike<number>): Batch {
  checkArguments('takeImages', { set, images }, { set: tokenSetKinds, images: 'number[]' });

  const rows = Int32Array.from(images);
  const batch = { images: rows, tokens: takeRows(set.tokens, rows), labels: takeRows(set.labels, rows) };
  return set.entropies === undefined ? batch : { ...batch, entropies: takeRows(set.entropies, rows) };
}

/** Copies `count` consecutive images of a set, from `first` on. */
export function sliceImages(set: TokenSet, first: number, count: number): Batch {
  checkArguments('sliceImages', { set, first, count }, { set: tokenSetKinds, first: 'number', count: 'number' });

  return takeImages(
    set,
    Int32Array.from({ length: count }, (_, i) => first + i),
  );
}

/** Copies rows of a tensor [N, ...]. @throws DparError for a row that it does not have. */
export function takeRows<D extends 'int32' | 'float32'>(tensor: HostTensorOf<D>, rows: Int32Array): HostTensorOf<D> {
  const { dtype, shape, data } = tensor as HostTensorOf<'int32' | 'float32'>;
  const [N = 0, ...rest] = shape;
  const width = rest.reduce((product, size) => product * size, 1);
  const taken = hostTensor(dtype, [rows.length, ...rest]);
  rows.forEach((row, i) => {
    if (!(row >= 0 && row < N))
      throw new DparError(`takeImages: expected images from 0 to ${N - 1}, got ${row}. Use images of the set.`);
    taken.data.set(data.subarray(row * width, (row + 1) * width), i * width);
  });
  return taken as unknown as HostTensorOf<D>;
}
