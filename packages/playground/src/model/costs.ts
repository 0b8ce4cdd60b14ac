import { type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import {
  boundaryHeadMacs,
  type DparConfig,
  dparKind,
  dparMacs,
  isBoundaryParameter,
  type LlamaGenConfig,
  llamaGenKind,
  llamaGenMacs,
} from '@dpar/model';
import type { ParameterSpecs } from '@dpar/nn';
import { sizeOf } from '@dpar/tensor';
import { drawingSource } from './entropy-source.js';

/** Configurations of the models that are compared. */
export interface ComparedModels {
  readonly dpar: DparConfig;
  /** Entropy model, which DPAR without a boundary head needs. */
  readonly entropy?: EntropyModelConfig | undefined;
  readonly llamagen: LlamaGenConfig;
}

/** A LlamaGen of as many blocks as a DPAR, for figures beside a DPAR that comes without one. */
export function equivalentLlamaGen(dpar: DparConfig): LlamaGenConfig {
  const { dim, nHead, multipleOf, vocabSize, blockSize, numClasses, ropeBase, normEps, clsTokenNum } = dpar;
  const nLayer = dpar.nLocalEncoderLayers + dpar.nLayer + dpar.nLocalDecoderLayers;
  return { dim, nLayer, nHead, multipleOf, vocabSize, blockSize, numClasses, ropeBase, normEps, clsTokenNum };
}

/** Number of patches of an image, and use of guidance: these determine DPAR's cost. */
export interface DrawnImage {
  readonly patches: number;
  readonly isGuided: boolean;
}

/** Multiply-adds of an image with LlamaGen, as Table S1 of the paper counts them. Guidance runs it twice for each token. */
export function llamaGenCost({ llamagen }: ComparedModels, isGuided: boolean): number {
  return (isGuided ? 2 : 1) * llamaGenMacs(llamagen);
}

/**
 * Multiply-adds of an image with DPAR, as Table S1 counts them, without its boundary head or entropy model. Guidance runs
 * everything except the local encoder twice.
 */
export function dparCost({ dpar }: Pick<ComparedModels, 'dpar'>, { patches, isGuided }: DrawnImage): number {
  const once = dparMacs(dpar, patches);
  if (!isGuided) return once;
  const encoder = dparMacs(dpar, 0) - dparMacs({ ...dpar, nLocalEncoderLayers: 0 }, 0);
  return 2 * once - encoder;
}

/**
 * Multiply-adds of the entropies of an image, which Table S1 leaves out, with guidance as without. The boundary head runs
 * for each token but the first. The entropy model, which models without a head need, is a GPT of the same blocks as LlamaGen
 * and runs once for each token.
 */
export function entropyCost({ dpar, entropy }: Pick<ComparedModels, 'dpar' | 'entropy'>): number {
  if (drawingSource(dpar) === 'head') return (dpar.blockSize - 1) * boundaryHeadMacs(dpar);
  return llamaGenMacs(entropy as EntropyModelConfig);
}

/** Share of LlamaGen's multiply-adds that DPAR saves, with the cost of its entropies; negative if it needs more. */
export function operationSaving(models: ComparedModels, image: DrawnImage): number {
  return 1 - (dparCost(models, image) + entropyCost(models)) / llamaGenCost(models, image.isGuided);
}

/** Saving as the paper counts it: one pass, without the cost of entropies. */
export function savingWithoutEntropies(models: ComparedModels, patches: number): number {
  return 1 - dparCost(models, { patches, isGuided: false }) / llamaGenCost(models, false);
}

/** Number of network runs for an image with LlamaGen: one for each token. */
export function llamaGenRuns({ llamagen }: Pick<ComparedModels, 'llamagen'>): number {
  return llamagen.blockSize;
}

/**
 * Number of network runs for an image with DPAR. The local decoder runs for each token, the encoder for all but the last,
 * and the big transformer for each patch. The boundary head is part of the encoder's run; an entropy model has its own.
 */
export function dparRuns({ dpar }: Pick<ComparedModels, 'dpar'>, patches: number): number {
  const { blockSize: tokens } = dpar;
  const readers = drawingSource(dpar) === 'head' ? 1 : 2;
  return tokens + readers * (tokens - 1) + patches;
}

/** Numbers of weights. */
export interface WeightCounts {
  /** DPAR without its boundary head. */
  readonly dpar: number;
  /** Boundary head of DPAR, or the entropy model that it needs. */
  readonly entropies: number;
  readonly llamagen: number;
}

/** Counts the weights of the compared models. */
export function countWeights({ dpar, entropy, llamagen }: ComparedModels): WeightCounts {
  const ofDpar = dparKind.specs(dpar);
  const head = weightsOf(ofDpar, isBoundaryParameter);
  return {
    dpar: weightsOf(ofDpar) - head,
    entropies: drawingSource(dpar) === 'head' ? head : weightsOf(entropyKind.specs(entropy as EntropyModelConfig)),
    llamagen: weightsOf(llamaGenKind.specs(llamagen)),
  };
}

function weightsOf(specs: ParameterSpecs, counts: (name: string) => boolean = () => true): number {
  return Object.entries(specs).reduce((sum, [name, { shape }]) => sum + (counts(name) ? sizeOf(shape) : 0), 0);
}
