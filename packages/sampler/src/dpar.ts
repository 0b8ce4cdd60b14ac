import type { EntropyModelConfig } from '@dpar/entropy';
import { type DparConfig, patchingOptions, patchRotaryRows } from '@dpar/model';
import { bucketSize, createOnlinePatcher, longestPatch, type PatchingOptions } from '@dpar/patchify';
import { DparError, type Engine, type HostTensor, type Tensors } from '@dpar/tensor';
import { collectTokens, type GeneratedTokens } from './collect.js';
import { DparStages, type FinishedPatches } from './dpar-stages.js';
import { nextTokens } from './draw.js';
import { GptStage } from './gpt-stage.js';
import { OpenPatches } from './open-patches.js';
import {
  checkOptions,
  rowLabels,
  type SampleOptions,
  type SamplerOptions,
  type SampleStep,
  type StageSeconds,
  tokenUniforms,
} from './options.js';
import { Stopwatch } from './stopwatch.js';

/** A model's configuration and weights. */
export interface ModelWeights<C> {
  readonly config: C;
  readonly parameters: Tensors<HostTensor>;
}

/** Options of {@link DparSampler}. */
export interface DparSampleOptions extends SampleOptions {
  /** Entropy in nats above which a token starts a patch, in place of the model's own. */
  readonly threshold?: number;
  /** Longest patch in tokens, in place of the model's own. */
  readonly maxPatchLength?: number;
}

/**
 * Generates images with DPAR. Each token costs one step of the entropy model, the local encoder and the local decoder;
 * the global transformer steps when a patch ends, and only for the images whose patch did. All keys and values are
 * cached. Guidance doubles the rows of the global transformer and the decoder; tokens and patches are shared.
 */
export class DparSampler {
  private readonly config: DparConfig;
  private readonly stages: DparStages;
  private readonly entropyStage: GptStage | undefined;
  private readonly stopwatch = new Stopwatch();

  /**
   * @param entropyModel Needed if patches depend on entropies.
   * @throws DparError if it is missing, or is made for other tokens.
   */
  constructor(
    engine: Engine,
    { config, parameters }: ModelWeights<DparConfig>,
    entropyModel?: ModelWeights<EntropyModelConfig>,
    _options: SamplerOptions = {},
  ) {
    if (config.patching.mode === 'entropy_row_boundary' && !entropyModel) {
      throw new DparError(
        'DparSampler: expected an entropy model for patches by entropy, got none. Pass it as the third argument.',
      );
    }
    const other = entropyModel?.config;
    if (other && (other.vocabSize !== config.vocabSize || other.blockSize !== config.blockSize)) {
      throw new DparError(
        `DparSampler: expected an entropy model for ${config.blockSize} tokens of ${config.vocabSize} codes, ` +
          `got one for ${other.blockSize} of ${other.vocabSize}. Use the one that the model was trained with.`,
      );
    }
    this.config = config;
    this.stages = new DparStages(engine, config, parameters);
    this.entropyStage = entropyModel && new GptStage(engine, entropyModel.config, entropyModel.parameters, 'entropies');
  }

  /** Seconds that each stage took so far. */
  get stageSeconds(): StageSeconds {
    return this.stopwatch.seconds;
  }

  /**
   * Yields the tokens of all images, position by position, and where patches start.
   * @throws DparError for options that are out of range; the signal's reason when it is aborted.
   */
  async *steps(options: DparSampleOptions): AsyncGenerator<SampleStep> {
    const { config, stages, entropyStage } = this;
    const { vocabSize: V, numClasses, blockSize: T, dim, nLocalEncoderLayers } = config;
    checkOptions(options, numClasses, this.config);
    const B = options.labels.length;
    const labels = rowLabels(options, numClasses);
    const rows = labels.length;
    const patching = this.patching(options);
    const patchers = Array.from({ length: B }, () => createOnlinePatcher(patching));
    const open = new OpenPatches(B, nLocalEncoderLayers, longestPatch(T, patching), dim);
    const uniforms = tokenUniforms(options, T);
    const entropyCache = entropyStage?.newCache(B);
    const encoderCache = stages.newCache('encoder', B);
    const globalCache = stages.newCache('global', rows);
    const decoderCache = stages.newCache('decoder', rows);

    // What the decoder adds to the tokens of each row's patch: at first, what follows from the class alone.
    const contexts = (await stages.readClasses(globalCache, labels)).map((layer) => layer.slice());
    let x = repeatRow(stages.startEmbedding, rows);
    let startsPatch = new Uint8Array(B).fill(1);
    for (let position = 0; position < T; position++) {
      options.signal?.throwIfAborted();
      const logits = await stages.predict(decoderCache, x, contexts, position);
      const tokens = nextTokens(logits, V, options, uniforms, position);
      yield { position, tokens, startsPatch };
      if (position + 1 === T) return;

      const states = await stages.readTokens(encoderCache, tokens, position, open.starts);
      open.add(states);
      x = repeatRows(states.at(-1) as Float32Array, rows / B);
      const entropies = entropyCache && (await entropyStage?.read(entropyCache, 'tokens', tokens, position));
      startsPatch = Uint8Array.from(patchers, (patcher, image) => Number(patcher.next(entropies?.[image])));
      const finished = Int32Array.from(startsPatch.keys()).filter((image) => startsPatch[image] === 1);
      if (finished.length === 0) continue;

      const patches = this.finishedPatches(open, patchers, finished, rows / B, position + 1);
      const added = await stages.readPatches(
        globalCache,
        patches,
        bucketSize(patches.rows.length, { max: rows, ratio: 1.5 }),
      );
      added.forEach((layer, d) => {
        patches.rows.forEach((row, i) => {
          (contexts[d] as Float32Array).set(layer.subarray(i * dim, (i + 1) * dim), row * dim);
        });
      });
      for (const image of finished) open.restart(image, position + 1);
    }
  }

  /** Generates whole images. @throws as {@link DparSampler.steps} */
  generate(options: DparSampleOptions): Promise<GeneratedTokens> {
    return collectTokens(this.steps(options), options.labels.length, this.config.blockSize);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.stages.dispose(), this.entropyStage?.dispose()]);
  }

  private patching({ threshold, maxPatchLength }: DparSampleOptions): PatchingOptions {
    return {
      ...patchingOptions(this.config),
      endOfImage: false,
      ...(threshold !== undefined && { threshold }),
      ...(maxPatchLength !== undefined && { maxPatchLength }),
    };
  }

  /** The patches that ended before `position`, for the conditional row of each image and its null row if there is one. */
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
      // The image's newest patch has just begun; the one before it is the finished one.
      const index = (patchers[image] as { readonly patches: number }).patches - 2;
      return { index, start, length: position - start };
    });
    const table = patchRotaryRows(this.config, places);
    const rows = repeated.map((image, i) => image + batch * Math.floor(i / images.length));
    return { rows, table, ...open.select(repeated) };
  }
}

function repeatRow(row: Float32Array, count: number): Float32Array {
  const result = new Float32Array(count * row.length);
  for (let i = 0; i < count; i++) result.set(row, i * row.length);
  return result;
}

function repeatRows(rows: Float32Array, copies: number): Float32Array {
  return copies === 1 ? rows : repeatRow(rows, copies);
}
