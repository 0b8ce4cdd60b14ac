import type { LlamaGenConfig } from '@dpar/model';
import type { Model } from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import { GptStage } from './gpt-stage.js';
import { imageStreams, rowLabels, type SampleOptions, type SamplerOptions, type SampleStep } from './options.js';
import { nextTokens, predictionInputs, predictionsOf } from './predictions.js';
import { StepSampler } from './sampler.js';
import { repeatRows } from './transformer.js';

/** Generates images with LlamaGen: one step per token, with cached keys and values. Its stages are `model` and `draw`. */
export class LlamaGenSampler extends StepSampler<LlamaGenConfig> {
  private readonly stage: GptStage;

  constructor(engine: Engine, { config, parameters }: Model<LlamaGenConfig>, { weights }: SamplerOptions) {
    super(config);
    this.stage = new GptStage(engine, config, parameters, 'predictions', weights);
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

  protected async *generateSteps(options: SampleOptions): AsyncGenerator<SampleStep> {
    this.check(options);
    const { numClasses, blockSize: T } = this.config;
    const labels = rowLabels(options, numClasses);
    const cache = this.stage.newCache(labels.length);
    const streams = imageStreams(options);
    let read = labels;
    for (let position = 0; position < T; position++) {
      options.signal?.throwIfAborted();
      const kind = position === 0 ? 'labels' : 'tokens';
      const outputs = await this.time('model', () =>
        this.stage.read(cache, kind, read, predictionInputs(options, position, T)),
      );
      const tokens = await this.time('draw', () => nextTokens(predictionsOf(outputs), options, streams, position));
      yield { position, tokens, startsPatch: new Uint8Array(tokens.length).fill(1) };
      read = repeatRows(tokens, labels.length / tokens.length);
    }
  }
}
