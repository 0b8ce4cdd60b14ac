import type { KindsOf } from '@dpar/check';
import { createEntropyComputer, type EntropyComputer } from '@dpar/entropy';
import type { ImageModel } from '@dpar/nn';
import { type PatchingOptions, patchLengths } from '@dpar/patchify';
import { collectParts, type Sampler, type SampleStep } from '@dpar/sampler';
import { DparError, type Engine, int32 } from '@dpar/tensor';
import { type ImageTokenizer, imagesFromBytes } from '@dpar/tokenizer';
import { checkArguments } from './check-arguments.js';
import { type Classes, nameOf } from './class-choice.js';
import type { ImageDecoder } from './decoder.js';
import { type DrawOptions, drawOptionsKinds, planDrawing, type SamplePlan } from './draw-options.js';
import { Drawing, eraseUndrawn } from './drawing.js';
import type { EntropyMap, EntropyMapContent } from './entropy-map.js';
import { type DecodeFile, type ImageInput, readSquares } from './image-input.js';
import type { Images, ImagesContent } from './images.js';

/** What depends on the place where a pipeline runs: its results, and image files that it reads. */
export interface Environment<R extends Images, M extends EntropyMap, S> {
  images(content: ImagesContent): R;
  entropyMap(content: EntropyMapContent): M;
  readonly decode: DecodeFile<S>;
}

/** A model that predicts entropies, and the patches that follow from them. */
export interface EntropyPrediction {
  readonly model: ImageModel;
  /** Undefined: the pipeline has no model with patches by entropy. */
  readonly patching: PatchingOptions | undefined;
}

/** Parts of a {@link Pipeline}. */
export interface PipelineParts<R extends Images, M extends EntropyMap, S> {
  readonly kind: 'dpar' | 'llamagen';
  readonly engine: Engine;
  /** True if the engine belongs to the pipeline, which then frees it. */
  readonly ownsEngine: boolean;
  readonly sampler: Sampler;
  readonly tokenizer: ImageTokenizer;
  readonly decoder: ImageDecoder;
  readonly classes: Classes;
  /** Rows and columns of the grid of tokens. */
  readonly gridSize: number;
  /** Loads the model that predicts entropies. @throws DparError if there is none. */
  readonly predictor: () => Promise<EntropyPrediction>;
  readonly environment: Environment<R, M, S>;
}

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

const completeOptionsKinds: KindsOf<CompleteOptions<unknown>> = {
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

const reconstructOptionsKinds: KindsOf<ReconstructOptions> = { 'signal?': 'AbortSignal', 'onProgress?': 'function' };

/** Settings of {@link Pipeline.entropyMap}. */
export interface EntropyMapOptions {
  /** Entropy in nats above which a token starts a patch (default: the model's). */
  readonly threshold?: number | undefined;
  /** Longest patch in tokens (default: the model's). */
  readonly maxPatchLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const entropyMapOptionsKinds: KindsOf<EntropyMapOptions> = {
  'threshold?': 'number',
  'maxPatchLength?': 'number',
  'signal?': 'AbortSignal',
};

/** Images that are tokenized or decoded at a time. */
const imagesAtATime = 16;

/**
 * A loaded model that draws pictures.
 *
 * R: images, M: entropy maps, which Node can save; S: further kinds of images that it reads, such as paths in Node.
 */
export class Pipeline<R extends Images = Images, M extends EntropyMap = EntropyMap, S = ImageInput>
  implements AsyncDisposable
{
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

  private entropies: Promise<{ computer: EntropyComputer; patching: PatchingOptions | undefined }> | undefined;
  private isDisposed = false;

  constructor(private readonly parts: PipelineParts<R, M, S>) {
    const { kind, classes, gridSize, decoder, engine } = parts;
    this.kind = kind;
    this.imageSize = decoder.imageSize;
    this.gridSize = gridSize;
    this.numClasses = classes.numClasses;
    this.classes = classes.names;
    this.engine = engine.name;
  }

  /**
   * Draws images. The same seed and settings give the images of `dpar sample`, in any number at a time.
   * @throws DparError for an unknown class or settings that are out of range; the signal's reason when it is aborted.
   */
  async generate(options: DrawOptions = {}): Promise<R> {
    checkArguments('generate', { options }, { 'options?': drawOptionsKinds });
    return this.draw(planDrawing('generate', options, this.parts.classes), options);
  }

  /**
   * Draws images, and yields each step: the new tokens, the starts of patches, and the pictures so far on request.
   * @throws as {@link Pipeline.generate}
   */
  stream(options: DrawOptions = {}): AsyncGenerator<DrawingStep<R>> {
    checkArguments('stream', { options }, { 'options?': drawOptionsKinds });
    return this.steps(planDrawing('stream', options, this.parts.classes), options);
  }

  /**
   * Keeps the upper part of a picture, and draws the rest.
   * @param options As for {@link Pipeline.generate}. Without `class` the images have no class, if the model can do that.
   * @throws DparError for what is no image, or a part that is nothing or everything; and as {@link Pipeline.generate}.
   */
  async complete(options: CompleteOptions<S>): Promise<R> {
    checkArguments('complete', { options }, { options: completeOptionsKinds });
    const { image, rows, share, ...rest } = options;
    const { classes, gridSize } = this.parts;
    const plan = planDrawing('complete', rest, classes, classes.hasNull ? null : undefined);
    const kept = rows ?? Math.round((share ?? 1 / 2) * gridSize);
    if (!(Number.isInteger(kept) && kept >= 1 && kept < gridSize)) {
      throw new DparError(
        `complete: expected 1 to ${gridSize - 1} of ${gridSize} rows of tokens to keep, got ${rows ?? `a share of ${share}`}. ` +
          `Correct ${rows === undefined ? 'share' : 'rows'}.`,
      );
    }
    const tokens = await this.tokensOf('complete', [image]);
    checkOne('complete', tokens.length / gridSize ** 2);
    const K = kept * gridSize;
    const prefix = new Int32Array(plan.labels.length * K);
    for (let i = 0; i < plan.labels.length; i++) prefix.set(tokens.subarray(0, K), i * K);
    return this.draw({ ...plan, prefix }, rest);
  }

  /**
   * Encodes images as tokens and decodes them again: what the model sees of them.
   * @param images One image or several. Of others than squares of the model's size it takes the scaled middle.
   * @throws DparError for what is no image; the signal's reason when it is aborted.
   */
  async reconstruct(
    images: S | ImageInput | readonly (S | ImageInput)[],
    options: ReconstructOptions = {},
  ): Promise<R> {
    checkArguments('reconstruct', { images, options }, { images: 'any', 'options?': reconstructOptionsKinds });
    const inputs = Array.isArray(images) ? (images as readonly (S | ImageInput)[]) : [images as S | ImageInput];
    const tokens = await this.tokensOf('reconstruct', inputs, options);
    if (tokens.length === 0) throw new DparError('reconstruct: expected at least one image, got none. Pass one.');
    const { decoder, gridSize, environment } = this.parts;
    const bytes = await decoder.decode(tokens, tokens.length / gridSize ** 2);
    return environment.images({ size: bytes.size, bytes: bytes.data, tokens });
  }

  /**
   * Computes how uncertain each token of an image is, with the boundary head of the DPAR model or the entropy model.
   * @throws DparError for what is no image, or if no model predicts entropies.
   */
  async entropyMap(image: S | ImageInput, options: EntropyMapOptions = {}): Promise<M> {
    checkArguments('entropyMap', { image, options }, { image: 'any', 'options?': entropyMapOptionsKinds });
    const { threshold, maxPatchLength, signal } = options;
    const { gridSize, environment, tokenizer } = this.parts;
    const tokens = await this.tokensOf('entropyMap', [image], { signal });
    checkOne('entropyMap', tokens.length / gridSize ** 2);
    const { computer, patching } = await this.predictor();
    const { data: entropies } = await computer.run(int32([1, tokens.length], tokens), { signal });
    const rule = patching && {
      ...patching,
      endOfImage: false,
      ...(threshold !== undefined && { threshold }),
      ...(maxPatchLength !== undefined && { maxPatchLength }),
    };
    return environment.entropyMap({
      tokens,
      entropies,
      patchLengths: rule && patchLengths(entropies, rule),
      codes: tokenizer.codebookSize,
      pixelsPerToken: tokenizer.factor,
    });
  }

  /** Frees what was compiled, and the engine unless it was given. The pipeline cannot be used afterwards. */
  async dispose(): Promise<void> {
    if (this.isDisposed) return;
    this.isDisposed = true;
    const { sampler, tokenizer, engine, ownsEngine } = this.parts;
    const entropies = await this.entropies?.catch(() => undefined);
    await Promise.all([sampler.dispose(), tokenizer.dispose(), entropies?.computer.dispose()]);
    if (ownsEngine) await engine.dispose();
  }

  /** Disposes the pipeline at the end of `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private async draw(plan: SamplePlan, { onProgress, signal }: DrawOptions): Promise<R> {
    this.checkLive();
    const { sampler, decoder, gridSize, environment } = this.parts;
    const { labels, batchSize } = plan;
    const T = gridSize ** 2;
    const [N, size] = [labels.length, decoder.imageSize];
    const tokens = new Int32Array(N * T);
    const bytes = new Uint8Array(N * 3 * size * size);
    const lengths: Int32Array[] = [];
    const counts = Array.from({ length: Math.ceil(N / batchSize) }, (_, i) => Math.min(batchSize, N - i * batchSize));
    const onTokens = (done: number): void => onProgress?.(done, N * T);
    for await (const part of collectParts(sampler.steps(plan), counts, T, onTokens)) {
      signal?.throwIfAborted();
      const first = lengths.length;
      tokens.set(part.tokens, first * T);
      lengths.push(...part.patchLengths);
      const images = await decoder.decode(part.tokens, part.patchLengths.length);
      bytes.set(images.data, first * 3 * size * size);
    }
    return environment.images({ size, bytes, tokens, patchLengths: lengths, ...this.classesOf(labels) });
  }

  private async *steps(plan: SamplePlan, { onProgress }: DrawOptions): AsyncGenerator<DrawingStep<R>> {
    this.checkLive();
    const { gridSize, sampler } = this.parts;
    const drawing = new Drawing(plan.labels.length, gridSize ** 2);
    const total = drawing.tokens.length;
    for await (const step of sampler.steps(plan)) {
      drawing.add(step);
      const { done } = drawing;
      onProgress?.(done, total);
      yield { ...step, done, total, pictures: () => this.picturesOf(drawing, plan.labels) };
    }
  }

  private async picturesOf(drawing: Drawing, labels: Int32Array): Promise<R> {
    const { decoder, gridSize, environment } = this.parts;
    // The drawing goes on while its pictures are decoded.
    const [tokens, drawn, lengths] = [drawing.tokens.slice(), drawing.drawn.slice(), drawing.patchLengths()];
    const { data: bytes, size } = await decoder.decode(tokens, drawn.length);
    eraseUndrawn(bytes, drawn, gridSize);
    return environment.images({ size, bytes, tokens, patchLengths: lengths, ...this.classesOf(labels) });
  }

  private classesOf(labels: Int32Array): Pick<ImagesContent, 'labels' | 'names'> {
    return { labels, names: Array.from(labels, (label) => nameOf(label, this.parts.classes)) };
  }

  /** Tokens of images, [N, T]. */
  private async tokensOf(
    caller: string,
    inputs: readonly (S | ImageInput)[],
    { signal, onProgress }: ReconstructOptions = {},
  ): Promise<Int32Array> {
    this.checkLive();
    const { tokenizer, gridSize, decoder, environment } = this.parts;
    const size = decoder.imageSize;
    signal?.throwIfAborted();
    const squares = await readSquares(caller, inputs, size, environment.decode);
    const T = gridSize ** 2;
    const tokens = new Int32Array(squares.length * T);
    for (let first = 0; first < squares.length; first += imagesAtATime) {
      signal?.throwIfAborted();
      const batch = squares.slice(first, first + imagesAtATime);
      const pixels = new Uint8Array(batch.length * 3 * size * size);
      batch.forEach(({ data }, i) => {
        pixels.set(data, i * data.length);
      });
      tokens.set((await tokenizer.encode(imagesFromBytes(pixels, size))).data, first * T);
      onProgress?.(first + batch.length, squares.length);
    }
    return tokens;
  }

  private async predictor(): Promise<{ computer: EntropyComputer; patching: PatchingOptions | undefined }> {
    const { engine, predictor } = this.parts;
    this.entropies ??= predictor().then(({ model, patching }) => ({
      computer: createEntropyComputer(engine, model, 1),
      patching,
    }));
    try {
      return await this.entropies;
    } catch (error) {
      // A file that was missing can be there the next time.
      this.entropies = undefined;
      throw error;
    }
  }

  private checkLive(): void {
    if (!this.isDisposed) return;
    throw new DparError('Pipeline: expected a pipeline in use, got one that was disposed. Load the model again.');
  }
}

function checkOne(caller: string, images: number): void {
  if (images === 1) return;
  throw new DparError(`${caller}: expected one image, got ${images}. Pass one of them.`);
}
