import type { LlamaGenConfig } from '@dpar/model';
import type { Model } from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import { GptStage } from './gpt-stage.js';
import {
  copiesOf,
  imagesAtWork,
  labelRows,
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
    const { numClasses, blockSize: T } = this.config;
    const copies = copiesOf(options);
    const rows = consecutive(0, images.length * copies);
    const cache = this.stage.newCache(rows.length);
    const startsPatch = new Uint8Array(images.length).fill(1);
    let read = labelRows(options, images, numClasses);
    for (let position = 0; position < T; position++) {
      options.signal?.throwIfAborted();
      const kind = position === 0 ? 'labels' : 'tokens';
      const positions = new Int32Array(images.length).fill(position);
      const outputs = await this.time('model', () => this.stage.read(cache, rows, kind, read, draws.inputs(positions)));
      const tokens = await this.time('draw', () => draws.draw(predictionsOf(outputs), images, positions));
      yield { images, positions, tokens, startsPatch };
      read = rows.map((row) => tokens[Math.floor(row / copies)] as number);
    }
  }
}
