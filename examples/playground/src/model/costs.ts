import type { EntropyModelConfig } from '@dpar/entropy';
import { type DparConfig, dparMacs, type LlamaGenConfig, llamaGenMacs } from '@dpar/model';

/** Configurations of the models that are compared, with the entropy model that DPAR makes its patches with. */
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
 * Multiply-adds of an image with DPAR, as Table S1 counts them, without its entropy model. Guidance runs everything
 * except the local encoder twice.
 */
export function dparCost({ dpar }: Pick<ComparedModels, 'dpar'>, { patches, isGuided }: DrawnImage): number {
  const once = dparMacs(dpar, patches);
  if (!isGuided) return once;
  const encoder = dparMacs(dpar, 0) - dparMacs({ ...dpar, nLocalEncoderLayers: 0 }, 0);
  return 2 * once - encoder;
}

/**
 * Multiply-adds of an image with the entropy model, which Table S1 leaves out: a GPT of the same blocks as LlamaGen, once for
 * each token, with guidance as without.
 */
export function entropyCost({ entropy }: Pick<ComparedModels, 'entropy'>): number {
  return llamaGenMacs(entropy);
}

/** Share of LlamaGen's multiply-adds that DPAR with its entropy model saves; negative if it needs more. */
export function operationSaving(models: ComparedModels, image: DrawnImage): number {
  return 1 - (dparCost(models, image) + entropyCost(models)) / llamaGenCost(models, image.isGuided);
}

/** Saving as the paper counts it: one pass, without the entropy model. */
export function savingWithoutEntropyModel(models: ComparedModels, patches: number): number {
  return 1 - dparCost(models, { patches, isGuided: false }) / llamaGenCost(models, false);
}

/**
 * Number of network runs for some tokens of an image. LlamaGen runs once for each token. Of DPAR, the local decoder runs
 * for each token, encoder and entropy model for all but the last, and the big transformer for each patch.
 */
export function networkRuns(model: 'dpar' | 'llamagen', tokens: number, patches: number): number {
  return model === 'llamagen' ? tokens : tokens + 2 * Math.max(0, tokens - 1) + patches;
}
