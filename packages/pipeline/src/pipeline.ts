import type { KindsOf } from '@dpar/check';
import type { SampleStep } from '@dpar/sampler';
import { type DrawOptions, drawOptionsKinds } from './draw-options.js';
import type { EntropyMap } from './entropy-map.js';
import type { ImageInput } from './image-input.js';
import type { Images } from './images.js';

/** One step of drawing: tokens that became known together, and the pictures so far. */
export interface DrawingStep<R extends Images = Images> extends SampleStep {
  /** Tokens of all images so far. */
  readonly done: number;
  /** Tokens of all images in the end. */
  readonly total: number;
  /**
   * Decodes the pictures as they are when it is called. What is not drawn yet is white, and has token 0. Call it as often
   * as pictures are shown, not for each step: it takes about as long as a step.
   */
  pictures(): Promise<R>;
}

/** Settings of {@link Pipeline.complete}. */
export interface CompleteOptions<S> extends DrawOptions {
  /** Picture of which the upper part is kept. */
  readonly image: S | ImageInput;
  /** Rows of tokens that are kept. */
  readonly rows?: number | undefined;
  /** Share of the picture that is kept, if `rows` is not given: above 0, below 1. Default: a half. */
  readonly share?: number | undefined;
}

/** Kinds of {@link CompleteOptions}. */
export const completeOptionsKinds: KindsOf<CompleteOptions<unknown>> = {
  ...drawOptionsKinds,
  'image?': 'any',
  'rows?': 'number',
  'share?': 'number',
};

/** Settings of {@link Pipeline.reconstruct}. */
export interface ReconstructOptions {
  /** Stops between images. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the images so far, and the images in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Kinds of {@link ReconstructOptions}. */
export const reconstructOptionsKinds: KindsOf<ReconstructOptions> = {
  'signal?': 'AbortSignal',
  'onProgress?': 'function',
};

/** Settings of {@link Pipeline.entropyMap}. */
export interface EntropyMapOptions {
  /** Entropy in nats above which a token starts a patch (default: the model's). */
  readonly threshold?: number | undefined;
  /** Longest patch in tokens (default: the model's). */
  readonly maxPatchLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Kinds of {@link EntropyMapOptions}. */
export const entropyMapOptionsKinds: KindsOf<EntropyMapOptions> = {
  'threshold?': 'number',
  'maxPatchLength?': 'number',
  'signal?': 'AbortSignal',
};

/**
 * A loaded model that draws pictures.
 *
 * R: images, M: entropy maps, which Node can save; S: further kinds of images that it reads, such as paths in Node.
 */
export interface Pipeline<R extends Images = Images, M extends EntropyMap = EntropyMap, S = ImageInput>
  extends AsyncDisposable {
  /** Kind of the model that draws. */
  readonly kind: 'dpar' | 'llamagen';
  /** Width and height of the images in pixels. */
  readonly imageSize: number;
  /** Rows and columns of the grid of tokens. */
  readonly gridSize: number;
  /** Number of classes. */
  readonly numClasses: number;
  /** Names of the classes by number; undefined if they are unknown. */
  readonly classes: readonly string[] | undefined;
  /** Name of the engine, with its version and threads. */
  readonly engine: string;
  /**
   * Draws images. The same seed and settings give the images of `dpar sample`, in any number at a time.
   * @throws DparError for an unknown class or settings that are out of range; the signal's reason when it is aborted.
   */
  generate(options?: DrawOptions): Promise<R>;
  /**
   * Draws images, and yields each step: the new tokens, the starts of patches, and the pictures so far on request.
   * @throws as {@link Pipeline.generate}
   */
  stream(options?: DrawOptions): AsyncGenerator<DrawingStep<R>>;
  /**
   * Keeps the upper part of a picture, and draws the rest.
   * @param options As for {@link Pipeline.generate}. Without `class` the images have no class, if the model can do that.
   * @throws DparError for what is no image, or a part that is nothing or everything; and as {@link Pipeline.generate}.
   */
  complete(options: CompleteOptions<S>): Promise<R>;
  /**
   * Encodes images as tokens and decodes them again: what the model sees of them.
   * @param images One image or several. Of others than squares of the model's size it takes the scaled middle.
   * @throws DparError for what is no image; the signal's reason when it is aborted.
   */
  reconstruct(images: S | ImageInput | readonly (S | ImageInput)[], options?: ReconstructOptions): Promise<R>;
  /**
   * Computes how uncertain each token of an image is, with the boundary head of the DPAR model or the entropy model.
   * @throws DparError for what is no image, or if no model predicts entropies.
   */
  entropyMap(image: S | ImageInput, options?: EntropyMapOptions): Promise<M>;
  /** Frees what was compiled, and the engine unless it was given. The pipeline cannot be used afterwards. */
  dispose(): Promise<void>;
}
