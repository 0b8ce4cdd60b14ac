import type { LlamaGenConfig } from '@dpar/model';
import type { Model } from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { collectTokens, type GeneratedTokens } from './collect.js';
import { nextTokens } from './draw.js';
import { GptStage } from './gpt-stage.js';
import {
  checkOptions,
  imageStreams,
  rowLabels,
  type SampleOptions,
  type SamplerOptions,
  type SampleStep,
  type StageSeconds,
  sampleOptionsKinds,
} from './options.js';
import { predictionInputs, predictionsOf } from './predictions.js';
import type { Sampler } from './sampler.js';
import { Stopwatch } from './stopwatch.js';
import { repeatRows } from './transformer.js';

/** Generates images with LlamaGen: one step per token, keys and values cached. */
export class LlamaGenSampler implements Sampler {
  private readonly config: LlamaGenConfig;
  private readonly stage: GptStage;
  private readonly stopwatch = new Stopwatch();

  constructor(engine: Engine, { config, parameters }: Model<LlamaGenConfig>, { weights }: SamplerOptions) {
    this.config = config;
    this.stage = new GptStage(engine, config, parameters, 'predictions', weights);
  }

  /** Seconds that each stage took so far: `model` and `draw`. */
  get stageSeconds(): StageSeconds {
    return this.stopwatch.seconds;
  }

  /**
   * Yields the tokens of all images, position by position.
   * @throws DparError for options that are out of range; the signal's reason when it is aborted.
   */
  steps(options: SampleOptions): AsyncGenerator<SampleStep> {
    checkArguments('Sampler.steps', { options }, { options: sampleOptionsKinds });
    return this.generateSteps(options);
  }

  private async *generateSteps(options: SampleOptions): AsyncGenerator<SampleStep> {
    const { numClasses, blockSize: T } = this.config;
    checkOptions(options, numClasses, this.config);
    refusePatching(options);
    const labels = rowLabels(options, numClasses);
    const cache = this.stage.newCache(labels.length);
    const streams = imageStreams(options);
    let read = labels;
    for (let position = 0; position < T; position++) {
      options.signal?.throwIfAborted();
      const kind = position === 0 ? 'labels' : 'tokens';
      const outputs = await this.stopwatch.time('model', () =>
        this.stage.read(cache, kind, read, predictionInputs(options, position, T)),
      );
      const tokens = await this.stopwatch.time('draw', () =>
        nextTokens(predictionsOf(outputs), options, streams, position),
      );
      yield { position, tokens, startsPatch: new Uint8Array(tokens.length).fill(1) };
      read = repeatRows(tokens, labels.length / tokens.length);
    }
  }

  /** Generates whole images. @throws as {@link LlamaGenSampler.steps} */
  async generate(options: SampleOptions): Promise<GeneratedTokens> {
    checkArguments('Sampler.generate', { options }, { options: sampleOptionsKinds });

    checkOptions(options, this.config.numClasses, this.config);
    refusePatching(options);
    return collectTokens(this.steps(options), options.labels.length, this.config.blockSize);
  }

  async dispose(): Promise<void> {
    await this.stage.dispose();
  }
}

/** @throws DparError for options of patches. */
function refusePatching({ threshold, maxPatchLength }: SampleOptions): void {
  if (threshold === undefined && maxPatchLength === undefined) return;
  const given = threshold === undefined ? `maxPatchLength ${maxPatchLength}` : `threshold ${threshold}`;
  throw new DparError(
    `sample: expected no options of patches for a model without patches, got ${given}. Leave it out.`,
  );
}
