import { createEntropyComputer, type EntropyComputer } from '@dpar/entropy';
import type { ImageModel } from '@dpar/nn';
import { type PatchingOptions, patchLengths } from '@dpar/patchify';
import { collectParts, type Label, type Sampler } from '@dpar/sampler';
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
import {
  type CompleteOptions,
  completeOptionsKinds,
  type DrawingStep,
  type EntropyMapOptions,
  entropyMapOptionsKinds,
  type Pipeline,
  type ReconstructOptions,
  reconstructOptionsKinds,
} from './pipeline.js';

/** Parts that depend on the place where a pipeline runs: its results, and image files that it reads. */
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

/** Parts of a {@link LoadedPipeline}. */
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

/** Images that are tokenized at a time. */
const imagesAtATime = 16;

/** A pipeline of loaded parts. */
export class LoadedPipeline<R extends Images, M extends EntropyMap, S> implements Pipeline<R, M, S> {
  readonly kind: 'dpar' | 'llamagen';
  readonly imageSize: number;
  readonly gridSize: number;
  readonly numClasses: number;
  readonly classes: readonly string[] | undefined;
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

  async generate(options: DrawOptions = {}): Promise<R> {
    checkArguments('generate', { options }, { 'options?': drawOptionsKinds });
    return this.draw(planDrawing('generate', options, this.parts.classes), options);
  }

  stream(options: DrawOptions = {}): AsyncGenerator<DrawingStep<R>> {
    checkArguments('stream', { options }, { 'options?': drawOptionsKinds });
    return this.steps(planDrawing('stream', options, this.parts.classes), options);
  }

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

  async dispose(): Promise<void> {
    if (this.isDisposed) return;
    this.isDisposed = true;
    const { sampler, tokenizer, engine, ownsEngine } = this.parts;
    const entropies = await this.entropies?.catch(() => undefined);
    await Promise.all([sampler.dispose(), tokenizer.dispose(), entropies?.computer.dispose()]);
    if (ownsEngine) await engine.dispose();
  }

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

  private async picturesOf(drawing: Drawing, labels: readonly Label[]): Promise<R> {
    const { decoder, gridSize, environment } = this.parts;
    // The drawing goes on while its pictures are decoded.
    const [tokens, drawn, lengths] = [drawing.tokens.slice(), drawing.drawn.slice(), drawing.patchLengths()];
    const { data: bytes, size } = await decoder.decode(tokens, drawn.length);
    eraseUndrawn(bytes, drawn, gridSize);
    return environment.images({ size, bytes, tokens, patchLengths: lengths, ...this.classesOf(labels) });
  }

  private classesOf(labels: readonly Label[]): Pick<ImagesContent, 'labels' | 'names'> {
    const first = labels.map((label) => (typeof label === 'number' ? label : (label[0] as number)));
    return { labels: Int32Array.from(first), names: labels.map((label) => nameOf(label, this.parts.classes)) };
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
