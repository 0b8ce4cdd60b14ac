import { type DynamicAxes, type HostTensor, type HostTensorOf, named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type DescribedGraph, type GraphDescription, type GraphInput, integers } from './described-graph.js';
import type { GptConfig } from './gpt.js';
import { type Architecture, type Model, type ModelKind, modelArgument } from './model-kind.js';
import type { Training } from './training.js';

/** Keys that the configurations of all models of image tokens have. */
export type ImageConfig = Pick<GptConfig, 'vocabSize' | 'blockSize' | 'numClasses' | 'classDropoutProb'>;

/** Tokenized images as a model reads them. B images of T tokens. */
export interface ImageBatch {
  /** [B, T], raster order. */
  readonly tokens: HostTensorOf<'int32'>;
  /** [B], classes from 0; `numClasses` is the null class. */
  readonly labels: HostTensorOf<'int32'>;
  /** [B, T - 1], nats: entry j belongs to the prediction of token j + 1. */
  readonly entropies?: HostTensorOf<'float32'>;
  /** [B, M], padded with zeros: patches that are given instead of being made of the entropies. */
  readonly patchLengths?: HostTensorOf<'int32'>;
}

/** Settings of {@link ImageModelKind.inputs}. */
export interface InputOptions {
  /**
   * Pads batches to one of some numbers of patches, each at most this factor above the one before, for engines that
   * prepare anew for each size. A larger factor wastes more work on fewer sizes. Default: batches are padded to the
   * patches of their longest image.
   */
  readonly bucketRatio?: number | undefined;
}

/** A kind of model that predicts the tokens of images, which is trained by teacher forcing. */
export interface ImageModelKind<C extends ImageConfig = ImageConfig> extends ModelKind<C> {
  /** Whether tokens are merged into patches. */
  readonly hasPatches: boolean;
  /** Whether images have classes, by which they are generated. */
  readonly hasClasses: boolean;
  /** Axes of the inputs whose size differs from batch to batch: one graph serves all sizes, where the engine can. */
  readonly dynamicAxes: DynamicAxes;
  /** Outputs of interest by the names that files of `dpar forward` use for them: `loss` (scalar, nats), `logits` and others. */
  readonly outputNames: Readonly<Record<string, string>>;
  /** Predicted tokens of an image, over which the loss is the mean. */
  predictedTokens(config: C): number;
  /** Whether patches are made of entropies, which batches must then have. */
  needsEntropies(config: C): boolean;
  /** One teacher-forced pass, from parameters and inputs of a batch by name. */
  outputs<T>(ops: Ops<T>, config: C, tensors: Tensors<T>, training?: Training<T>): Tensors<T>;
  /** The inputs of a batch by name. @throws DparError if the batch does not fit the model. */
  inputs(config: C, batch: ImageBatch, options?: InputOptions): Tensors<HostTensor>;
  /**
   * Patch lengths of images [B, M], padded with zeros to those of the longest image; `undefined` for a model without patches.
   * @throws DparError if entropies are needed and missing.
   */
  patchLengths(config: C, batch: ImageBatch): HostTensorOf<'int32'> | undefined;
  /**
   * Patches of images, by which batches are grouped; `undefined` for a model without patches.
   * @param images N
   * @param entropies float32 [N, T - 1], nats
   * @throws DparError if entropies are needed and missing.
   */
  patchCounts(config: C, images: number, entropies: HostTensorOf<'float32'> | undefined): Int32Array | undefined;
  /**
   * Work of the large transformer for the inputs of a batch.
   * @returns `positions` B * M that are computed, and the `patches` among them that are no padding. For a model without
   * patches each predicted token counts as a patch.
   */
  globalPositions(config: C, inputs: Tensors<HostTensor>): { patches: number; positions: number };
  /** The teacher-forced pass as it is exported: patches are given by their lengths. */
  teacherForced(config: C): GraphDescription;
  /** Multiply-accumulates of all matrix products of a forward pass of one image. @param patches M (a mean may be fractional) */
  matmulMacs(config: C, patches: number): number;
}

/** A model of image tokens without its weights. */
export interface ImageArchitecture<C extends ImageConfig = ImageConfig> extends Architecture<C> {
  readonly kind: ImageModelKind<C>;
}

/** A model of image tokens. */
export interface ImageModel<C extends ImageConfig = ImageConfig> extends Model<C> {
  readonly kind: ImageModelKind<C>;
}

/** The teacher-forced pass of a model as a graph. */
export function teacherForcedGraph(model: ImageModel): DescribedGraph {
  checkArguments('teacherForcedGraph', { model }, { model: modelArgument });
  const { kind, config, parameters } = model;
  return { name: kind.name, parameters, config: kind.writeConfig(config), ...kind.teacherForced(config) };
}

/** Tokens of whole images, as an input of a described graph. @param T Tokens of an image. */
export function imageTokens(T: number): GraphInput {
  checkArguments('imageTokens', { T }, { T: 'number' });
  return integers(['batch', T], 'codes of the images in raster order');
}

/** Members of a kind of model without patches. @param predictedTokens See {@link ImageModelKind.predictedTokens}. */
export function withoutPatches<C extends ImageConfig>(
  predictedTokens: (config: C) => number,
): Pick<
  ImageModelKind<C>,
  | 'hasPatches'
  | 'dynamicAxes'
  | 'predictedTokens'
  | 'needsEntropies'
  | 'patchLengths'
  | 'patchCounts'
  | 'globalPositions'
> {
  checkArguments('withoutPatches', { predictedTokens }, { predictedTokens: 'function' });
  return {
    hasPatches: false,
    dynamicAxes: {},
    predictedTokens,
    needsEntropies: () => false,
    patchLengths: () => undefined,
    patchCounts: () => undefined,
    globalPositions(config, inputs) {
      const positions = (named(inputs, 'tokens').shape[0] ?? 0) * predictedTokens(config);
      return { patches: positions, positions };
    },
  };
}

/** The class that stands for none; `undefined` for a model without classes. */
export function nullClassOf({ kind, config }: ImageArchitecture): number | undefined {
  return kind.hasClasses ? config.numClasses : undefined;
}
