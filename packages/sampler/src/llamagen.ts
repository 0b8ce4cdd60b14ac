import type { LlamaGenConfig } from '@dpar/model';
import type { Model } from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import type { StackCache } from './cache.js';
import { GptStage } from './gpt-stage.js';
import {
  copiesOf,
  givenTokens,
  imagesAtWork,
  labelRows,
  prefixLength,
  type SampleOptions,
  type SamplerOptions,
  type SampleStep,
} from './options.js';
import { predictionsOf, TokenDraws } from './predictions.js';
import { StepSampler } from './sampler.js';
import { consecutive } from './transformer.js';

/** Generates images with LlamaGen: one step per token, with cached keys and values. Its stages are `model` and `draw`. */
export class LlamaGenSampler extends StepSampler<LlamaGenConfig> {
  private readonly stage: GptStage;

  constructor(engine: Engine, { config, parameters }: Model<LlamaGenConfig>, { weights }: SamplerOptions) {
    super(config);
    this.stage = new GptStage(engine, config, parameters, {
      result: 'predictions',
      selects: false,
      ...(weights && { weights }),
    });
  }

  async dispose(): Promise<void> {
    await this.stage.dispose();
  }

  protected override check(options: SampleOptions): void {
    super.check(options);
    const { threshold, maxPatchLength } = options;
    if (threshold === undefined && maxPatchLength === undefined) return;
    const given = threshold === undefined ? `maxPatchLength ${maxPatchLength}` : `threshold ${threshold}`;
    throw new DparError(
      `sample: expected no options of patches for a model without patches, got ${given}. Leave it out.`,
    );
  }

  /** Images take the same number of steps, so all places are free at the same time. */
  protected async *generateSteps(options: SampleOptions): AsyncGenerator<SampleStep> {
    this.check(options);
    const draws = new TokenDraws(options, this.config.blockSize);
    const { length } = options.labels;
    const atWork = imagesAtWork(options);
    for (let first = 0; first < length; first += atWork) {
      yield* this.generateImages(options, draws, consecutive(first, Math.min(atWork, length - first)));
    }
  }

  private async *generateImages(
    options: SampleOptions,
    draws: TokenDraws,
    images: Int32Array,
  ): AsyncGenerator<SampleStep> {
    const cache = this.stage.newCache(images.length * copiesOf(options));
    try {
      yield* this.generateWith(cache, options, draws, images);
    } finally {
      cache.dispose();
    }
  }

  private async *generateWith(
    cache: StackCache,
    options: SampleOptions,
    draws: TokenDraws,
    images: Int32Array,
  ): AsyncGenerator<SampleStep> {
    const { numClasses, blockSize: T } = this.config;
    const copies = copiesOf(options);
    const rows = consecutive(0, images.length * copies);
    const startsPatch = new Uint8Array(images.length).fill(1);
    const K = prefixLength(options);
    if (K > 0) yield await this.time('model', () => this.readPrefix(options, cache, images));
    const { stage } = this;
    let x =
      K === 0
        ? stage.classEmbeddings(labelRows(options, images, numClasses))
        : stage.tokenEmbeddings(lastGiven(options, images));
    for (let position = K; position < T; position++) {
      options.signal?.throwIfAborted();
      const positions = new Int32Array(images.length).fill(position);
      const outputs = await this.time('model', () => stage.read(cache, rows, x, draws.inputs(positions)));
      const tokens = await this.time('draw', () =>
        draws.draw(predictionsOf(outputs, images.length), images, positions),
      );
      yield { images, positions, tokens, startsPatch };
      x = stage.tokenEmbeddings(rows.map((row) => tokens[Math.floor(row / copies)] as number));
    }
  }

  /** Reads class and given tokens of some images but the last, which the next step reads. Returns the given tokens. */
  private async readPrefix(options: SampleOptions, cache: StackCache, images: Int32Array): Promise<SampleStep> {
    const { stage } = this;
    const { dim: D, numClasses } = this.config;
    const [copies, K] = [copiesOf(options), prefixLength(options)];
    const classes = stage.classEmbeddings(labelRows(options, images, numClasses));
    const given = givenTokens(options, images);
    const x = new Float32Array(classes.length * K);
    for (let row = 0; row < images.length * copies; row++) {
      x.set(classes.subarray(row * D, (row + 1) * D), row * K * D);
      const first = Math.floor(row / copies) * K;
      x.set(stage.tokenEmbeddings(given.tokens.subarray(first, first + K - 1)), (row * K + 1) * D);
    }
    await stage.prefill(cache, consecutive(0, images.length * copies), x);
    return { ...given, startsPatch: new Uint8Array(given.tokens.length).fill(1) };
  }
}

/** The last given token of each sequence of some images. */
function lastGiven(options: SampleOptions, images: Int32Array): Int32Array {
  const [copies, K] = [copiesOf(options), prefixLength(options)];
  const { tokens } = givenTokens(options, images);
  return Int32Array.from(
    { length: images.length * copies },
    (_, row) => tokens[Math.floor(row / copies) * K + K - 1] as number,
  );
}
