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
import { DparError, type HostTensor, named, type Ops, type Tensors } from '@dpar/tensor';
import { type Batch, sizeOfSet, type TokenSet } from './token-set.js';

/** What training needs to know of a model; the same for all of them. */
export interface TrainableModel {
  readonly kind: 'dpar' | 'llamagen' | 'entropy';
  /** The model's config.json. */
  readonly configJson: Readonly<Record<string, unknown>>;
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
  /** Patches of each image of a set, by which batches are grouped; `undefined` for a model without patches. */
  patchCounts(set: TokenSet): Int32Array | undefined;
}

/** Settings of {@link trainableDpar}. */
export interface TrainableDparOptions {
  /**
   * Batches are padded to one of some numbers of patches, each at most this factor above the one before (default 1.05).
   * A larger factor wastes more work and compiles fewer graphs.
   */
  readonly bucketRatio?: number;
}

/** A DPAR model as training sees it. Patches come from the batch's patch lengths, or else from its entropies. */
export function trainableDpar(config: DparConfig, { bucketRatio = 1.05 }: TrainableDparOptions = {}): TrainableModel {
  const patching = patchingOptions(config);
  const needsEntropies = config.patching.mode === 'entropy_row_boundary';
  const predictedTokens = config.blockSize + (config.predictEoiToken ? 1 : 0);

  /** What patch lengths are computed from, image by image: entropies, or just the number of tokens. */
  const sources = (set: TokenSet): (Float32Array | number)[] => {
    const { images, tokensPerImage: T } = sizeOfSet(set);
    if (!needsEntropies) return Array.from({ length: images }, () => T);
    const { entropies } = set;
    if (entropies === undefined) {
      throw new DparError(
        "trainableDpar: expected entropies beside the tokens, got none. Compute them with an entropy model: 'entropiesOfSet'.",
      );
    }
    return Array.from({ length: images }, (_, i) => entropies.data.subarray(i * (T - 1), (i + 1) * (T - 1)));
  };

  return {
    kind: 'dpar',
    configJson: writeDparConfig(config),
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
          sources(batch).map((source) => patchLengths(source, patching)),
          { max: predictedTokens, ratio: bucketRatio },
        );
      return dparInputs(config, batch.tokens, batch.labels, lengths);
    },
    patchCounts(set) {
      const scratch = new Int32Array(predictedTokens);
      return Int32Array.from(sources(set), (source) => writePatchLengths(scratch, source, patching));
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

/** A LlamaGen model as training sees it. */
export function trainableLlamaGen(config: LlamaGenConfig): TrainableModel {
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
    patchCounts: () => undefined,
  };
}

/** An entropy model as training sees it. */
export function trainableEntropyModel(config: EntropyModelConfig): TrainableModel {
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
    patchCounts: () => undefined,
  };
}

/**
 * The model that a config.json describes, by its `kind`.
 * @throws DparError for another kind, or a key that is wrong.
 */
export function trainableModel(configJson: Readonly<Record<string, unknown>>): TrainableModel {
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
