import { type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import { boundaryPatching, type DparConfig, dparKind, patchingOptions } from '@dpar/model';
import type { ImageModel, Model } from '@dpar/nn';
import type { PatchingOptions } from '@dpar/patchify';
import { DparError, type Engine, type HostTensor, type Tensors } from '@dpar/tensor';
import { DparPrefill } from './dpar-prefill.js';
import { DparRun } from './dpar-run.js';
import { DparStages } from './dpar-stages.js';
import { GptStage } from './gpt-stage.js';
import { type LoadPlan, lockstep } from './loads.js';
import { imagesAtWork, type SampleOptions, type SamplerOptions, type SampleStep } from './options.js';
import { StepSampler } from './sampler.js';

/** Compiled steps of the models. */
interface Stages {
  readonly stages: DparStages;
  readonly entropyStage: GptStage | undefined;
}

/**
 * Generates images with DPAR. Each token costs one step of the local encoder and the local decoder, and one of the entropy
 * model unless the boundary head predicts the entropies. The global transformer steps when a patch ends, and only for the
 * images whose patch did. All keys and values are cached. Guidance doubles the rows of the global transformer and the
 * decoder; tokens and patches are shared.
 *
 * Its stages are `entropy`, `encoder`, `global`, `decoder` and `draw`.
 */
export class DparSampler extends StepSampler<DparConfig> {
  /** Stages for one image, and for several. */
  private readonly compiled = new Map<boolean, Stages>();
  /** Pass over the prefix of an image, the same for any number of images. */
  private prefill: DparPrefill | undefined;
  private readonly entropyModel: Model<EntropyModelConfig> | undefined;
  private readonly parameters: Tensors<HostTensor>;
  private readonly predictsEntropies: boolean;

  /**
   * @param plan Decides for how many images the global transformer runs.
   * @throws DparError if the entropy model is missing, or made for other tokens.
   */
  constructor(
    private readonly engine: Engine,
    { config, parameters }: Model<DparConfig>,
    private readonly options: SamplerOptions,
    private readonly plan: LoadPlan = lockstep,
  ) {
    super(config);
    this.parameters = parameters;
    const { entropyModel } = options;
    const needsEntropies = dparKind.needsEntropies(config);
    this.predictsEntropies = needsEntropies && entropyModel === undefined && config.boundaryHead !== undefined;
    this.entropyModel = needsEntropies && !this.predictsEntropies ? checkEntropyModel(entropyModel, config) : undefined;
  }

  async dispose(): Promise<void> {
    const compiled = [...this.compiled.values()];
    const { prefill } = this;
    this.compiled.clear();
    this.prefill = undefined;
    await Promise.all([
      prefill?.dispose(),
      ...compiled.flatMap(({ stages, entropyStage }) => [stages.dispose(), entropyStage?.dispose()]),
    ]);
  }

  protected async *generateSteps(options: SampleOptions): AsyncGenerator<SampleStep> {
    this.check(options);
    const { engine, config, parameters, plan, predictsEntropies } = this;
    const { weights = 'float32' } = this.options;
    this.prefill ??= new DparPrefill(engine, config, parameters, { predictsEntropies, weights });
    const run = new DparRun({
      config,
      plan,
      options,
      patching: this.patching(options),
      neighbours: predictsEntropies ? config.boundaryHead?.neighbours : undefined,
      ...this.stagesFor(imagesAtWork(options)),
      prefill: this.prefill,
      time: (stage, work) => this.time(stage, work),
    });
    yield* run.steps();
  }

  /** Stages for a number of images. A single image always takes part in all steps, which then need fewer operators. */
  private stagesFor(images: number): Stages {
    const selects = images > 1;
    const known = this.compiled.get(selects);
    if (known !== undefined) return known;
    const { engine, config, parameters, entropyModel, predictsEntropies, options } = this;
    const { weights = 'float32', entropyWeights = weights } = options;
    const stages = {
      stages: new DparStages(engine, config, parameters, { selects, predictsEntropies, weights }),
      entropyStage:
        entropyModel &&
        new GptStage(engine, entropyModel.config, entropyModel.parameters, {
          result: 'entropies',
          selects,
          weights: entropyWeights,
        }),
    };
    this.compiled.set(selects, stages);
    return stages;
  }

  private patching({ threshold, maxPatchLength }: SampleOptions): PatchingOptions {
    const { config, predictsEntropies } = this;
    const usual = predictsEntropies ? boundaryPatching(config) : patchingOptions(config);
    return {
      ...usual,
      endOfImage: false,
      ...(threshold !== undefined && { threshold }),
      ...(maxPatchLength !== undefined && { maxPatchLength }),
    };
  }
}

/** The entropy model of a DPAR. @throws DparError if it is missing, another kind of model, or made for other tokens. */
function checkEntropyModel(
  model: ImageModel | undefined,
  { blockSize, vocabSize }: DparConfig,
): Model<EntropyModelConfig> {
  if (model === undefined) {
    throw new DparError(
      "createSampler: expected 'entropyModel' for a model without a boundary head whose patches depend on entropies, got " +
        'undefined. Pass { entropyModel }.',
    );
  }
  const { kind, config } = model;
  if (kind.name !== entropyKind.name) {
    throw new DparError(
      `createSampler: expected 'entropyModel' to be of kind "${entropyKind.name}", got kind "${kind.name}". ` +
        'Load the checkpoint of an entropy model.',
    );
  }
  if (config.vocabSize !== vocabSize || config.blockSize !== blockSize) {
    throw new DparError(
      `createSampler: expected an entropy model for ${blockSize} tokens of ${vocabSize} codes, ` +
        `got one for ${config.blockSize} of ${config.vocabSize}. Use the one that the model was trained with.`,
    );
  }
  return model as Model as Model<EntropyModelConfig>;
}
