import type { EntropyModelConfig } from '@dpar/entropy';
import {
  boundaryHeadMacs,
  type DparConfig,
  dparKind,
  dparMacs,
  isBoundaryParameter,
  type LlamaGenConfig,
  llamaGenMacs,
} from '@dpar/model';
import { sizeOf } from '@dpar/tensor';
import { drawingSource } from './entropy-source.js';

/** Configurations of the models that are compared, with the entropy model, which DPAR without a boundary head needs. */
export interface ComparedModels {
  readonly dpar: DparConfig;
  readonly entropy: EntropyModelConfig;
  readonly llamagen: LlamaGenConfig;
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
  return drawingSource(dpar) === 'head' ? (dpar.blockSize - 1) * boundaryHeadMacs(dpar) : llamaGenMacs(entropy);
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

/** Weights of the boundary head as a share of DPAR's other weights. */
export function headShare({ dpar }: Pick<ComparedModels, 'dpar'>): number {
  let [head, others] = [0, 0];
  for (const [name, { shape }] of Object.entries(dparKind.specs(dpar))) {
    if (isBoundaryParameter(name)) head += sizeOf(shape);
    else others += sizeOf(shape);
  }
  return head / others;
}
