import { type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import { type DparConfig, dparKind, patchingOptions, patchRotaryRows } from '@dpar/model';
import type { ImageModel, Model } from '@dpar/nn';
import { createOnlinePatcher, longestPatch, type PatchingOptions } from '@dpar/patchify';
import { DparError, type Engine, float32, named } from '@dpar/tensor';
import type { StackCache } from './cache.js';
import { DparStages } from './dpar-stages.js';
import { GptStage } from './gpt-stage.js';
import { type FinishedPatches, OpenPatches } from './open-patches.js';
import { imageStreams, rowLabels, type SampleOptions, type SamplerOptions, type SampleStep } from './options.js';
import { nextTokens, predictionInputs } from './predictions.js';
import { StepSampler } from './sampler.js';
import { repeatRows } from './transformer.js';

/**
 * Generates images with DPAR. Each token costs one step of the entropy model, the local encoder and the local decoder;
 * the global transformer steps when a patch ends, and only for the images whose patch did. All keys and values are
 * cached. Guidance doubles the rows of the global transformer and the decoder; tokens and patches are shared.
 *
 * Its stages are `entropy`, `encoder`, `global`, `decoder` and `draw`.
 */
export class DparSampler extends StepSampler<DparConfig> {
  private readonly stages: DparStages;
  private readonly entropyStage: GptStage | undefined;

  /** @throws DparError if the entropy model is missing, or made for other tokens. */
  constructor(engine: Engine, { config, parameters }: Model<DparConfig>, options: SamplerOptions) {
    super(config);
    const { entropyModel, weights = 'float32', entropyWeights = weights } = options;
    this.stages = new DparStages(engine, config, parameters, weights);
    if (dparKind.needsEntropies(config)) {
      const gpt = checkEntropyModel(entropyModel, config);
      this.entropyStage = new GptStage(engine, gpt.config, gpt.parameters, 'entropies', entropyWeights);
    }
  }

  async dispose(): Promise<void> {
    await Promise.all([this.stages.dispose(), this.entropyStage?.dispose()]);
  }

  protected async *generateSteps(options: SampleOptions): AsyncGenerator<SampleStep> {
    this.check(options);
    const { config, stages, entropyStage } = this;
    const { numClasses, blockSize: T, dim: D, nLocalEncoderLayers: layers } = config;
    const batch = options.labels.length;
    const labels = rowLabels(options, numClasses);
    const copies = labels.length / batch;
    const patching = this.patching(options);
    const slots = longestPatch(T, patching);
    const patchers = Array.from({ length: batch }, () => createOnlinePatcher(patching));
    const open = new OpenPatches({ batch, layers, slots, dim: D });
    const streams = imageStreams(options);
    const entropyCache = entropyStage?.newCache(batch);
    const encoderCache = stages.newCache('encoder', batch);
    const globalCache = stages.newCache('global', labels.length);
    const decoderCache = stages.newCache('decoder', labels.length);

    // Contexts that the decoder adds to the tokens of each row's patch. The first depend on the class only.
    const first = await this.time('global', () => stages.readClasses(globalCache, labels, slots));
    const width = config.nLocalDecoderLayers * D;
    const contexts = float32([labels.length, width], first);
    let x = repeatRows(stages.startEmbedding, labels.length);
    let startsPatch = new Uint8Array(batch).fill(1);
    for (let position = 0; position < T; position++) {
      options.signal?.throwIfAborted();
      const predictions = await this.time('decoder', () =>
        stages.predict(decoderCache, x, contexts, predictionInputs(options, position, T)),
      );
      const tokens = await this.time('draw', () => nextTokens(predictions, options, streams, position));
      yield { position, tokens, startsPatch };
      if (position + 1 === T) return;

      const states = await this.time('encoder', () => stages.readTokens(encoderCache, tokens, open.starts));
      open.add(states);
      x = repeatRows(lastOfLayers(states, layers, D), copies);
      const entropies = entropyCache && (await this.time('entropy', () => this.entropies(entropyCache, tokens)));
      startsPatch = Uint8Array.from(patchers, (patcher, image) => Number(patcher.next(entropies?.[image])));
      const finished = Int32Array.from(startsPatch.keys()).filter((image) => startsPatch[image] === 1);
      if (finished.length === 0) continue;

      const patches = this.finishedPatches(open, patchers, finished, copies, position + 1);
      const added = await this.time('global', () => stages.readPatches(globalCache, patches));
      patches.rows.forEach((row, i) => {
        contexts.data.set(added.subarray(i * width, (i + 1) * width), row * width);
      });
      for (const image of finished) open.restart(image, position + 1);
    }
  }

  /** Entropies [B] of the tokens that follow. */
  private async entropies(cache: StackCache, tokens: Int32Array): Promise<Float32Array> {
    const outputs = await (this.entropyStage as GptStage).read(cache, 'tokens', tokens);
    return named(outputs, 'entropies').data as Float32Array;
  }

  private patching({ threshold, maxPatchLength }: SampleOptions): PatchingOptions {
    const { patching } = this.config;
    return {
      ...patchingOptions(this.config),
      endOfImage: false,
      threshold: threshold ?? patching.threshold,
      maxPatchLength: maxPatchLength ?? patching.maxPatchLength,
    };
  }

  /** Patches that ended before `position`, for the conditional row of each image and its null row if there is one. */
  private finishedPatches(
    open: OpenPatches,
    patchers: readonly { readonly patches: number }[],
    images: Int32Array,
    copies: number,
    position: number,
  ): FinishedPatches {
    const batch = patchers.length;
    const R = images.length * copies;
    const repeated = Int32Array.from({ length: R }, (_, i) => images[i % images.length] as number);
    const places = Array.from(repeated, (image) => {
      const start = open.starts[image] as number;
      // The image's newest patch has just begun: the one before it has ended.
      const index = (patchers[image] as { readonly patches: number }).patches - 2;
      return { index, start, length: position - start };
    });
    const table = patchRotaryRows(this.config, places);
    const rows = repeated.map((image, i) => image + batch * Math.floor(i / images.length));
    return { rows, table, ...open.select(repeated) };
  }
}

/** States after the last of E layers: [B, E, D] -> [B, D]. */
function lastOfLayers(states: Float32Array, layers: number, dim: number): Float32Array {
  if (layers === 1) return states;
  const result = new Float32Array(states.length / layers);
  for (let image = 0; image * dim < result.length; image++) {
    const from = ((image + 1) * layers - 1) * dim;
    result.set(states.subarray(from, from + dim), image * dim);
  }
  return result;
}

/** The entropy model of a DPAR. @throws DparError if it is missing, another kind of model, or made for other tokens. */
function checkEntropyModel(
  model: ImageModel | undefined,
  { blockSize, vocabSize }: DparConfig,
): Model<EntropyModelConfig> {
  if (model === undefined) {
    throw new DparError(
      "createSampler: expected 'entropyModel' for a model whose patches depend on entropies, got undefined. " +
        'Pass { entropyModel }.',
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
