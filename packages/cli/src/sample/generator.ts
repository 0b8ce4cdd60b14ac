import { readEntropyModelConfig } from '@dpar/entropy';
import { readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { padPatchLengths } from '@dpar/patchify';
import {
  collectTokens,
  type DparSampleOptions,
  DparSampler,
  LlamaGenSampler,
  type SamplerOptions,
  type SampleStep,
  type StageSeconds,
} from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { UsageError } from '../command/errors.js';
import type { JsonObject } from '../input-files.js';
import { loadModel, type ModelContent } from '../model.js';
import type { TokenGrid } from '../tokenizer.js';

/** A loaded model that generates. */
export interface Generator extends TokenGrid {
  readonly kind: 'dpar' | 'llamagen';
  readonly numClasses: number;
  /** 0: the model has no null class, and so no guidance. */
  readonly classDropoutProb?: number | undefined;
  /** Folder of the entropy model, if the model's patches need one. */
  readonly entropyCheckpoint?: string;
  steps(options: DparSampleOptions): AsyncIterable<SampleStep>;
  /** Seconds that each stage took so far. */
  stageSeconds(): StageSeconds;
  /** Frees what was compiled. */
  dispose(): Promise<void>;
}

/** Generated tokens of some images. */
export interface Generated {
  /** [N, T] */
  readonly tokens: Int32Array;
  /** [N, T]: patch lengths of each image, padded with zeros; all 1 for a model without patches. */
  readonly patchLengths: Int32Array;
}

/** Which models generate, and how they are held. */
export interface GeneratorOptions extends SamplerOptions {
  readonly checkpoint: string;
  /** Whether the moving average of the checkpoint's weights is used. */
  readonly average: boolean;
  readonly entropyCheckpoint: string | undefined;
  /** Takes what is wrong with the files without touching the weights. */
  readonly note?: (line: string) => void;
}

/**
 * Loads the model of a checkpoint, and the entropy model that its patches need.
 * @throws UsageError if that one is missing.
 */
export async function loadGenerator(engine: Engine, options: GeneratorOptions): Promise<Generator> {
  const { checkpoint, average, entropyCheckpoint, note = () => {}, ...held } = options;
  const model = await loadModel(checkpoint, ['dpar', 'llamagen'], average);
  model.notes.forEach(note);
  if (!needsEntropyModel(model.config)) return createGenerator(engine, model, undefined, held);
  if (entropyCheckpoint === undefined) {
    throw new UsageError(`expected --entropy-checkpoint DIR for '${checkpoint}' (patches by entropy), got none.`);
  }
  const entropyModel = await loadModel(entropyCheckpoint, ['entropy']);
  entropyModel.notes.forEach(note);
  return { ...createGenerator(engine, model, entropyModel, held), entropyCheckpoint };
}

/** Whether a model's patches depend on the entropies of its tokens. @param config Its config.json. */
export function needsEntropyModel(config: JsonObject): boolean {
  return config.kind === 'dpar' && readDparConfig(config).patching.mode === 'entropy_row_boundary';
}

/**
 * Makes a generator of a model in memory. Nothing is compiled before it generates.
 * @throws DparError if the entropy model is missing or does not fit.
 */
export function createGenerator(
  engine: Engine,
  { config: json, parameters }: ModelContent,
  entropyModel?: ModelContent,
  held: SamplerOptions = {},
): Generator {
  if (json.kind === 'llamagen') {
    const config = readLlamaGenConfig(json);
    const weights = held.weights === undefined ? {} : { weights: held.weights };
    return { ...config, kind: 'llamagen', ...stepping(new LlamaGenSampler(engine, { config, parameters }, weights)) };
  }
  const config = readDparConfig(json);
  const entropy = entropyModel && {
    config: readEntropyModelConfig(entropyModel.config),
    parameters: entropyModel.parameters,
  };
  return { ...config, kind: 'dpar', ...stepping(new DparSampler(engine, { config, parameters }, entropy, held)) };
}

function stepping(sampler: LlamaGenSampler | DparSampler): Pick<Generator, 'steps' | 'stageSeconds' | 'dispose'> {
  return {
    steps: (options) => sampler.steps(options),
    stageSeconds: () => sampler.stageSeconds,
    dispose: () => sampler.dispose(),
  };
}

/** Generates a batch. @param onToken Called after each token of all images, with the number of tokens done for each. */
export async function generateBatch(
  generator: Generator,
  options: DparSampleOptions,
  onToken: (position: number) => void,
): Promise<Generated> {
  const { blockSize: T } = generator;
  const N = options.labels.length;
  const { tokens, patchLengths: lengths } = await collectTokens(generator.steps(options), N, T, onToken);
  const patchLengths = padPatchLengths(lengths, T).data;
  return { tokens, patchLengths };
}
