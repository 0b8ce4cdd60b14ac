import { countParameters } from '@dpar/nn';
import {
  architectureFromSettings,
  type ModelSettings,
  readTrainConfig,
  type TrainConfig,
  withSetting,
} from '@dpar/train';
import type { JsonObject } from '../input-files.js';
import { type Rung, tokensPerPatch } from './ladder.js';
import type { StageName, TokenModel } from './stage.js';

/** Longest patch in tokens, as in the paper. */
const maxPatchLength = 4;

/** Tokens and classes that models are made for. */
export interface TokenShape {
  /** Codes of the tokenizer. */
  readonly codes: number;
  readonly tokensPerImage: number;
  readonly classes: number;
}

/** `model` keys of a new model of a size. The threshold of DPAR's patches is known after the entropy model is trained. */
export function modelOf(stage: TokenModel, rung: Rung, { codes, tokensPerImage, classes }: TokenShape): ModelSettings {
  const tokens = { vocab_size: codes, block_size: tokensPerImage, num_classes: classes, multiple_of: 32 };
  const { dim, heads, layers, llamaGenLayers, entropy } = rung;
  if (stage === 'entropy') {
    return { kind: 'entropy', ...tokens, dim: entropy.dim, n_head: entropy.heads, n_layer: entropy.layers };
  }
  if (stage === 'llamagen') return { kind: 'llamagen', ...tokens, dim, n_head: heads, n_layer: llamaGenLayers };
  const [encoder, global, decoder] = layers;
  return {
    kind: 'dpar',
    ...tokens,
    dim,
    n_head: heads,
    n_local_encoder_layers: encoder,
    n_layer: global,
    n_local_decoder_layers: decoder,
    embedding_type: 'dynamic_4d',
    patching: { threshold: 0, max_patch_length: maxPatchLength },
    boundary_head: { hidden_width: dim },
  };
}

/** Size of a tokenizer's pictures and of its tokens, in pixels, and its codes. */
export interface TokenizerShape {
  readonly resolution: number;
  readonly pixelsPerToken: number;
  readonly codes: number;
}

/** Largest squares whose pixels make good codes. Larger ones need LlamaGen's tokenizer, which trains many times as long. */
const largestPatch = 4;

/** Training of a kind of tokenizer. */
interface TokenizerTraining {
  /** `model` keys. */
  readonly model: ModelSettings;
  /** Most pictures of a step. */
  readonly batchSize: number;
  /** Seconds of a step with so many pictures on two cores, for the plan. It is measured before the training. */
  readonly usualStep: number;
  /** Most steps. More hardly change the decoded pictures. */
  readonly mostSteps: number;
}

/** The tokenizer of a new run, and how to train it. */
export function tokenizerTrainingOf({ resolution, pixelsPerToken, codes }: TokenizerShape): TokenizerTraining {
  const shape = { image_size: resolution, codebook_size: codes };
  const area = (resolution / 64) ** 2;
  if (pixelsPerToken <= largestPatch) {
    const model = { kind: 'patch-vq', ...shape, patch_size: pixelsPerToken, hidden_dim: 256 };
    return { model, batchSize: 16, usualStep: 0.06 * area, mostSteps: 4000 };
  }
  // Positions of 2 x 2 pixels and equal widths take half the time of full resolution with widths that grow. Of smaller batches, more
  // steps fit into the time: 8 pictures gave 1.1 dB more than 16 did in the same time.
  const levels = new Array<number>(Math.log2(pixelsPerToken)).fill(1);
  const network = { patch_size: 2, ch: 64, ch_mult: levels, num_res_blocks: 1, z_channels: 64, codebook_embed_dim: 8 };
  return { model: { kind: 'vq', ...shape, ...network }, batchSize: 8, usualStep: 0.2 * area, mostSteps: 10_000 };
}

/** Size and cost of a model. */
export interface ModelCost {
  readonly parameters: number;
  /** Floating-point operations of a training step for one image. A backward pass costs two forward passes. */
  readonly flop: number;
}

/** Size and cost of a model with usual patches. */
export function costOf(settings: ModelSettings): ModelCost {
  const { kind, config } = architectureFromSettings(settings);
  const patches = kind.predictedTokens(config) / (kind.hasPatches ? tokensPerPatch : 1);
  return { parameters: countParameters(kind.specs(config)), flop: 6 * kind.matmulMacs(config, patches) };
}

/** LlamaGen with the even feed-forward width (`multiple_of`) that brings it nearest to the parameters of a DPAR. */
export function matchingLlamaGen(llamaGen: ModelSettings, dpar: ModelSettings): ModelSettings {
  const target = costOf(dpar).parameters;
  const ofWidth = (width: number): ModelSettings => ({ ...llamaGen, multiple_of: 2 * width });
  const excess = (width: number): number => costOf(ofWidth(width)).parameters - target;
  // Wider layers have more parameters: bisection.
  let [low, high] = [1, 4 * Number(dpar.dim)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (excess(middle) < 0) low = middle;
    else high = middle;
  }
  return ofWidth(Math.abs(excess(low)) < Math.abs(excess(high)) ? low : high);
}

/** Facts that a training configuration follows from. */
export interface TrainingFacts {
  readonly model: ModelSettings;
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  /** Visits of each picture in the run. Pictures that are visited often are learned by heart, which dropout delays. */
  readonly visits: number;
  /** Expected seconds of a step, from which the distances between checkpoints follow. */
  readonly stepSeconds: number;
}

/** Visits of a picture above which models train with dropout. */
const manyVisits = 10;

/** Seconds of training between checkpoints, which are lost at most when a run is killed. */
const checkpointSeconds = 60;

/** Validations of a stage, evenly spread. */
const validations = 12;

/** Training configuration of a model of tokens, without paths. */
export function trainingJson(facts: TrainingFacts): JsonObject {
  const { model, steps, batchSize, learningRate, seed, visits, stepSeconds } = facts;
  const rate = visits > manyVisits ? 0.1 : 0;
  return {
    model,
    data: model.kind === 'dpar' ? { window_batches: 8, bucket_ratio: 1.1 } : {},
    optimizer: {
      schedule: 'cosine',
      learning_rate: learningRate,
      warmup_steps: Math.min(100, Math.floor(steps / 10)),
      final_fraction: 0.02,
    },
    dropout: { token: rate, residual: rate, feed_forward: rate },
    initialization: 'narrow',
    steps,
    batch_size: batchSize,
    seed,
    validate_every: Math.ceil(steps / validations),
    checkpoints: { every: Math.max(1, Math.round(checkpointSeconds / stepSeconds)), keep: 1 },
  };
}

/** Facts that the training configuration of a tokenizer follows from. */
export interface TokenizerFacts extends TokenizerShape {
  readonly steps: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly stepSeconds: number;
  readonly areDrawings: boolean;
  readonly flip: boolean;
  readonly background: string;
  readonly validationShare: number;
}

/** Training configuration of a tokenizer, without paths. */
export function tokenizerJson(facts: TokenizerFacts): JsonObject {
  const { steps, batchSize, seed, stepSeconds, areDrawings, flip, background, validationShare } = facts;
  const training = tokenizerTrainingOf(facts);
  return {
    model: training.model,
    data: { background, crop: areDrawings ? 'fit' : 'random', flip, validation_share: validationShare },
    optimizer: {
      schedule: 'cosine',
      learning_rate: 3e-3,
      warmup_steps: Math.min(50, Math.floor(steps / 10)),
      final_fraction: 0.02,
    },
    steps,
    batch_size: Math.min(batchSize, training.batchSize),
    seed,
    validate_every: Math.ceil(steps / validations),
    checkpoints: { every: Math.max(1, Math.round(checkpointSeconds / stepSeconds)), keep: 1 },
    samples: { every: Math.ceil(steps / 4), count: 8 },
  };
}

/**
 * Reads a training configuration after the paths of its data and others are added.
 * @throws DparError naming an invalid key.
 */
export function withPaths(json: JsonObject, data: JsonObject, others: JsonObject): TrainConfig {
  const samples = json.samples === undefined ? {} : { samples: { ...json.samples, ...Object(others.samples) } };
  return readTrainConfig({ ...json, ...others, ...samples, data: { ...Object(json.data), ...data } });
}

/** Applies the settings of `--set` that begin with the name of a stage, such as `dpar.steps=2000`. */
export function withSettings(json: JsonObject, stage: StageName, settings: readonly string[]): JsonObject {
  const own = settings.filter((setting) => setting.startsWith(`${stage}.`));
  return own.reduce<unknown>(
    (changed, setting) => withSetting(changed, setting.slice(stage.length + 1)),
    json,
  ) as JsonObject;
}

/** Steps of a stage that `--set` fixes. */
export function fixedSteps(stage: StageName, settings: readonly string[]): number | undefined {
  const { steps } = withSettings({}, stage, settings);
  return steps === undefined ? undefined : Number(steps);
}
