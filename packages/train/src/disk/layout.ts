import { type KindsOf, listOf } from '@dpar/check';
/**
 * Where the parts of a tokenized data set lie on disk. N images in V variants of T tokens each. A layout is plain data, so
 * that it can be handed to another thread.
 */
export interface TokenLayout {
  /**
   * `shards`: safetensors files or pairs of npy files with many images each. `llamagen`: a file for each image, as
   * LlamaGen's extraction of codes writes them.
   */
  readonly form: 'shards' | 'llamagen';
  /** What users call the set: the path that it was found at. */
  readonly path: string;
  /** N */
  readonly images: number;
  /** V */
  readonly variants: number;
  /** T */
  readonly tokensPerImage: number;
  /** The files of form `shards`, in the order of their images. */
  readonly shards: readonly TokenShard[];
  /** The folders of form `llamagen`, with files `0.npy` to `<N - 1>.npy`. */
  readonly folders?: { readonly codes: string; readonly labels: string };
  /** Files with the entropies, in the order of their images; undefined if there are none. */
  readonly entropies?: readonly EntropyPart[];
}

/** Consecutive images of a set that lie in one file. */
export interface ImageRange {
  /** Number of the first image in the set. */
  readonly first: number;
  readonly images: number;
}

/** Images with their labels. A safetensors file has both, of npy files there is a pair. */
export interface TokenShard extends ImageRange {
  /** File with `tokens` [images, T] or [images, V, T]. */
  readonly tokens: string;
  /** File with `labels` [images]. */
  readonly labels: string;
  /** Whether the file of the tokens has `entropies` too, [images, T - 1] or [images, V, T - 1]. */
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

/** Tensors of a set by the names that they have in safetensors files. */
export type TensorName = 'tokens' | 'labels' | 'entropies';

/** A file with a tensor of consecutive images. */
export interface TensorFile extends ImageRange {
  readonly path: string;
  readonly tensor: TensorName;
  /** Elements of one image. */
  readonly perImage: number;
  /** Size of the last axis; for labels any. */
  readonly lastAxis: number | undefined;
}

/** The file in which a tensor of an image lies. The image is one of the set's. */
export function fileOf(layout: TokenLayout, tensor: TensorName, image: number): TensorFile {
  const { variants: V, tokensPerImage: T, folders } = layout;
  const sizes = {
    tokens: { perImage: V * T, lastAxis: T },
    labels: { perImage: 1, lastAxis: undefined },
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

/** The range that holds an image, of ranges in ascending order that hold all. */
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
  shards: listOf(tokenShardKinds),
  'folders?': { codes: 'string', labels: 'string', '*': 'any' },
  'entropies?': listOf(entropyPartKinds),
  '*': 'any',
};
