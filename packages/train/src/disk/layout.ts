import { type KindsOf, listOf } from '@dpar/check';

/**
 * Files of a tokenized data set on disk. N images in V variants of T tokens each. A layout is plain data, so that another
 * thread can receive it.
 */
export interface TokenLayout {
  /**
   * `shards`: safetensors files or pairs of npy files with many images each. `llamagen`: a file for each image, from
   * LlamaGen's extraction of codes.
   */
  readonly form: 'shards' | 'llamagen';
  /** Path that the set was found at, for messages. */
  readonly path: string;
  /** N */
  readonly images: number;
  /** V */
  readonly variants: number;
  /** T */
  readonly tokensPerImage: number;
  /** Words of an image's prompt, W; 1 for labels. */
  readonly wordsPerImage: number;
  /** Files of form `shards`, in the order of their images. */
  readonly shards: readonly TokenShard[];
  /** Folders of form `llamagen`, with files `0.npy` to `<N - 1>.npy`. */
  readonly folders?: { readonly codes: string; readonly labels: string };
  /** Files with the entropies, in the order of their images, if there are any. */
  readonly entropies?: readonly EntropyPart[];
}

/** Consecutive images of a set in one file. */
export interface ImageRange {
  /** Number of the first image in the set. */
  readonly first: number;
  readonly images: number;
}

/** Images with their labels: a safetensors file, or a pair of npy files. */
export interface TokenShard extends ImageRange {
  /** File with `tokens` [images, T] or [images, V, T]. */
  readonly tokens: string;
  /** File with `labels` [images] or [images, W]. */
  readonly labels: string;
  /** True if the file of the tokens also has `entropies`, [images, T - 1] or [images, V, T - 1]. */
  readonly hasEntropies: boolean;
}

const tokenShardKinds: KindsOf<TokenShard> = {
  tokens: 'string',
  labels: 'string',
  hasEntropies: 'boolean',
  first: 'number',
  images: 'number',
  '*': 'any',
};

/** A safetensors file with `entropies` [images, V, T - 1] or, for V = 1, [images, T - 1]. */
export interface EntropyPart extends ImageRange {
  readonly path: string;
}

const entropyPartKinds: KindsOf<EntropyPart> = { path: 'string', first: 'number', images: 'number', '*': 'any' };

/** Names of a set's tensors in safetensors files. */
export type TensorName = 'tokens' | 'labels' | 'entropies';

/** A file with a tensor of consecutive images. */
export interface TensorFile extends ImageRange {
  readonly path: string;
  readonly tensor: TensorName;
  /** Elements of one image. */
  readonly perImage: number;
  /** Size of the last axis; any for labels. */
  readonly lastAxis: number | undefined;
}

/** File that holds a tensor of an image of the set. */
export function fileOf(layout: TokenLayout, tensor: TensorName, image: number): TensorFile {
  const { variants: V, tokensPerImage: T, wordsPerImage: W, folders } = layout;
  const sizes = {
    tokens: { perImage: V * T, lastAxis: T },
    labels: { perImage: W, lastAxis: undefined },
    entropies: { perImage: V * (T - 1), lastAxis: T - 1 },
  }[tensor];
  if (tensor === 'entropies') return { tensor, ...sizes, ...rangeWith(layout.entropies ?? [], image) };
  if (folders !== undefined) {
    const folder = tensor === 'tokens' ? folders.codes : folders.labels;
    return { tensor, ...sizes, first: image, images: 1, path: `${folder}/${image}.npy` };
  }
  const { first, images, [tensor]: path } = rangeWith(layout.shards, image);
  return { tensor, ...sizes, first, images, path };
}

/** Range that holds an image, among ascending ranges that cover all images. */
function rangeWith<R extends ImageRange>(ranges: readonly R[], image: number): R {
  let low = 0;
  let high = ranges.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((ranges[middle] as R).first <= image) low = middle;
    else high = middle - 1;
  }
  return ranges[low] as R;
}

/** Kinds of {@link TokenLayout}. */
export const tokenLayoutKinds: KindsOf<TokenLayout> = {
  form: "'llamagen' | 'shards'",
  path: 'string',
  images: 'number',
  variants: 'number',
  tokensPerImage: 'number',
  wordsPerImage: 'number',
  shards: listOf(tokenShardKinds),
  'folders?': { codes: 'string', labels: 'string', '*': 'any' },
  'entropies?': listOf(entropyPartKinds),
  '*': 'any',
};
