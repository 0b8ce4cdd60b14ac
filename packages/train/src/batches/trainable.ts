import type { KindsOf } from '@dpar/check';
import {
  type EntropyModelConfig,
  entropyModel,
  entropyModelSpecs,
  readEntropyModelConfig,
  writeEntropyModelConfig,
} from '@dpar/entropy';
import {
  type DparConfig,
  type DparInputs,
  dpar,
  dparInputs,
  dparSpecs,
  type LlamaGenConfig,
  llamaGen,
  llamaGenSpecs,
  patchingOptions,
  readDparConfig,
  readLlamaGenConfig,
  writeDparConfig,
  writeLlamaGenConfig,
} from '@dpar/model';
import type { ParameterSpecs, Training } from '@dpar/nn';
import { padPatchLengths, patchLengths, writePatchLengths } from '@dpar/patchify';
import {
  DparError,
  type DynamicAxes,
  type HostTensor,
  type HostTensorOf,
  named,
  type Ops,
  type Tensors,
} from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { Batch } from './token-set.js';
import { missingEntropies } from './token-source.js';

/** What training needs to know of a model; the same for all of them. */
export interface TrainableModel {
  readonly kind: 'dpar' | 'llamagen' | 'entropy';
  /** The model's config.json. */
  readonly configJson: Readonly<Record<string, unknown>>;
  /**
   * Axes of {@link inputs} whose size differs from batch to batch: one graph serves all sizes, where the engine can.
   */
  readonly dynamicAxes: DynamicAxes;
  /** Tokens of an image, T. */
  readonly tokensPerImage: number;
  /** Tokens are 0 to vocabSize - 1. */
  readonly vocabSize: number;
  /** The class that stands for none, or `undefined` for a model without classes. */
  readonly nullClass: number | undefined;
  /** Predicted tokens of an image, over which the loss is the mean. */
  readonly predictedTokens: number;
  /** Parameters under their official names. */
  readonly specs: ParameterSpecs;
  /**
   * One teacher-forced pass, from parameters and inputs of a batch by name: `loss` (scalar, nats), `logits` and others.
   * @param training Dropout and recomputation; default: none.
   */
  outputs<T>(ops: Ops<T>, tensors: Tensors<T>, training?: Training<T>): Tensors<T>;
  /** The inputs of a batch by name. @throws DparError if the batch does not fit the model. */
  inputs(batch: Batch): Tensors<HostTensor>;
  /** Whether the patches are made of entropies, which batches must then have. */
  readonly needsEntropies: boolean;
  /**
   * Patches of images, by which batches are grouped; `undefined` for a model without patches.
   * @param images N
   * @param entropies float32 [N, T - 1], nats
   * @throws DparError if entropies are needed and missing.
   */
  patchCounts(images: number, entropies: HostTensorOf<'float32'> | undefined): Int32Array | undefined;
  /**
   * How much the global transformer computes for the inputs of a batch.
   * @returns `positions` B * M that are computed, and the `patches` among them that are no padding. For a model without
   * patches each predicted token counts as a patch.
   */
  globalPositions(inputs: Tensors<HostTensor>): { patches: number; positions: number };
}

/** Kinds of {@link TrainableModel}. */
export const trainableModelKinds: KindsOf<TrainableModel> = {
  kind: "'dpar' | 'llamagen' | 'entropy'",
  configJson: 'object',
  dynamicAxes: 'object',
  tokensPerImage: 'number',
  vocabSize: 'number',
  'nullClass?': 'number',
  predictedTokens: 'number',
  specs: 'object',
  outputs: 'function',
  inputs: 'function',
  needsEntropies: 'boolean',
  patchCounts: 'function',
  globalPositions: 'function',
  '*': 'any',
};

/** Settings of {@link trainableDpar}. */
export interface TrainableDparOptions {
  /**
   * Batches are padded to one of some numbers of patches, each at most this factor above the one before, for engines that
   * prepare anew for each size. A larger factor wastes more work on fewer sizes. Default: batches are padded to the
   * patches of their longest image.
   */
  readonly bucketRatio?: number | undefined;
}

/** Kinds of {@link TrainableDparOptions}. */
export const trainableDparOptionsKinds: KindsOf<TrainableDparOptions> = { 'bucketRatio?': 'number' };

/** A DPAR model as training sees it. Patches come from the batch's patch lengths, or else from its entropies. */
export function trainableDpar(config: DparConfig, options: TrainableDparOptions = {}): TrainableModel {
  checkArguments(
    'trainableDpar',
    { config, options },
    {
      config: { nLayer: 'number', nLocalEncoderLayers: 'number', nLocalDecoderLayers: 'number', '*': 'any' },
      'options?': trainableDparOptionsKinds,
    },
  );
  const { bucketRatio } = options;
  const patching = patchingOptions(config);
  const needsEntropies = config.patching.mode === 'entropy_row_boundary';
  const predictedTokens = config.blockSize + (config.predictEoiToken ? 1 : 0);

  /** What patch lengths are computed from, image by image: entropies, or just the number of tokens. */
  const sources = (images: number, entropies: HostTensorOf<'float32'> | undefined): (Float32Array | number)[] => {
    const T = config.blockSize;
    if (!needsEntropies) return Array.from({ length: images }, () => T);
    if (entropies === undefined) throw missingEntropies('trainableDpar');
    return Array.from({ length: images }, (_, i) => entropies.data.subarray(i * (T - 1), (i + 1) * (T - 1)));
  };

  return {
    kind: 'dpar',
    configJson: writeDparConfig(config),
    dynamicAxes: { globalTable: { 1: 'patches' }, slotToken: { 1: 'patches' }, slotMask: { 1: 'patches' } },
    tokensPerImage: config.blockSize,
    vocabSize: config.vocabSize,
    nullClass: config.numClasses,
    predictedTokens,
    specs: dparSpecs(config),
    outputs: (ops, tensors, training) => ({ ...dpar(ops, config, tensors, dparTensors(tensors), training) }),
    inputs(batch) {
      const lengths =
        batch.patchLengths ??
        padPatchLengths(
          sources(batch.images.length, batch.entropies).map((source) => patchLengths(source, patching)),
          bucketRatio === undefined ? undefined : { max: predictedTokens, ratio: bucketRatio },
        );
      return dparInputs(config, batch.tokens, batch.labels, lengths);
    },
    needsEntropies,
    patchCounts(images, entropies) {
      const scratch = new Int32Array(predictedTokens);
      return Int32Array.from(sources(images, entropies), (source) => writePatchLengths(scratch, source, patching));
    },
    globalPositions(inputs) {
      const [B = 0, M = 0, P = 0] = named(inputs, 'slotMask').shape;
      const { data: tokenOfSlot } = named(inputs, 'slotToken');
      let patches = 0;
      // The tokens of a patch fill its slots from the first on: padding has none there.
      for (let slot = 0; slot < tokenOfSlot.length; slot += P) if ((tokenOfSlot[slot] as number) >= 0) patches++;
      return { patches, positions: B * M };
    },
  };
}

function dparTensors<T>(tensors: Tensors<T>): DparInputs<T> {
  return {
    tokens: named(tensors, 'tokens'),
    labels: named(tensors, 'labels'),
    globalTable: named(tensors, 'globalTable'),
    slotToken: named(tensors, 'slotToken'),
    tokenSlot: named(tensors, 'tokenSlot'),
    slotMask: named(tensors, 'slotMask'),
  };
}

/** What a model without patches says of them. */
function withoutPatches(
  predictedTokens: number,
): Pick<TrainableModel, 'dynamicAxes' | 'needsEntropies' | 'patchCounts' | 'globalPositions'> {
  return {
    dynamicAxes: {},
    needsEntropies: false,
    patchCounts: () => undefined,
    globalPositions(inputs) {
      const positions = (named(inputs, 'tokens').shape[0] ?? 0) * predictedTokens;
      return { patches: positions, positions };
    },
  };
}

/** A LlamaGen model as training sees it. */
export function trainableLlamaGen(config: LlamaGenConfig): TrainableModel {
  checkArguments(
    'trainableLlamaGen',
    { config },
    { config: { nLayer: 'number', vocabSize: 'number', blockSize: 'number', '*': 'any' } },
  );

  return {
    kind: 'llamagen',
    configJson: writeLlamaGenConfig(config),
    tokensPerImage: config.blockSize,
    vocabSize: config.vocabSize,
    nullClass: config.numClasses,
    predictedTokens: config.blockSize,
    specs: llamaGenSpecs(config),
    outputs: (ops, tensors, training) => ({
      ...llamaGen(ops, config, tensors, named(tensors, 'tokens'), named(tensors, 'labels'), training),
    }),
    inputs: ({ tokens, labels }) => ({ tokens, labels }),
    ...withoutPatches(config.blockSize),
  };
}

/** An entropy model as training sees it. */
export function trainableEntropyModel(config: EntropyModelConfig): TrainableModel {
  checkArguments(
    'trainableEntropyModel',
    { config },
    { config: { clsTokenNum: 'number', nLayer: 'number', vocabSize: 'number', '*': 'any' } },
  );

  return {
    kind: 'entropy',
    configJson: writeEntropyModelConfig(config),
    tokensPerImage: config.blockSize,
    vocabSize: config.vocabSize,
    nullClass: undefined,
    predictedTokens: config.blockSize - 1,
    specs: entropyModelSpecs(config),
    outputs: (ops, tensors, training) => ({
      ...entropyModel(ops, config, tensors, named(tensors, 'tokens'), training),
    }),
    inputs: ({ tokens }) => ({ tokens }),
    ...withoutPatches(config.blockSize - 1),
  };
}

/**
 * The model that a config.json describes, by its `kind`.
 * @throws DparError for another kind, or a key that is wrong.
 */
export function trainableModel(configJson: Readonly<Record<string, unknown>>): TrainableModel {
  checkArguments('trainableModel', { configJson }, { configJson: 'object' });

  switch (configJson.kind) {
    case 'dpar':
      return trainableDpar(readDparConfig(configJson));
    case 'llamagen':
      return trainableLlamaGen(readLlamaGenConfig(configJson));
    case 'entropy':
      return trainableEntropyModel(readEntropyModelConfig(configJson));
    default:
      throw new DparError(
        `trainableModel: expected 'kind' to be "dpar", "llamagen" or "entropy", got ${JSON.stringify(configJson.kind)}.`,
      );
  }
}
