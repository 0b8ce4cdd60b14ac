import type { EntropyModelConfig } from '@dpar/entropy';
import { type DparConfig, dparMacs, type LlamaGenConfig, llamaGenMacs } from '@dpar/model';

/** Configurations of the models that are compared, with the entropy model that DPAR makes its patches with. */
export interface ComparedModels {
  readonly dpar: DparConfig;
  readonly entropy: EntropyModelConfig;
  readonly llamagen: LlamaGenConfig;
}

/** What an image costs DPAR: its patches, and whether it is drawn with guidance. */
export interface DrawnImage {
  readonly patches: number;
  readonly isGuided: boolean;
}

/** Multiply-adds of an image with LlamaGen, as Table S1 of the paper counts them. Guidance runs it twice for each token. */
export function llamaGenCost({ llamagen }: ComparedModels, isGuided: boolean): number {
  return (isGuided ? 2 : 1) * llamaGenMacs(llamagen);
}

/**
 * Multiply-adds of an image with DPAR, as Table S1 counts them, without its entropy model. Guidance runs all but the local
 * encoder twice.
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

/** Share of LlamaGen's multiply-adds that DPAR with its entropy model is spared; negative if the two need more. */
export function operationSaving(models: ComparedModels, image: DrawnImage): number {
  return 1 - (dparCost(models, image) + entropyCost(models)) / llamaGenCost(models, image.isGuided);
}

/** The saving as the paper counts it: one pass, the entropy model left out. */
export function savingWithoutEntropyModel(models: ComparedModels, patches: number): number {
  return 1 - dparCost(models, { patches, isGuided: false }) / llamaGenCost(models, false);
}

/**
 * How often a network is run for so many tokens of an image: LlamaGen once for each; of DPAR the local decoder for each, encoder
 * and entropy model for each that another follows, and the big transformer for each patch.
 */
export function networkRuns(model: 'dpar' | 'llamagen', tokens: number, patches: number): number {
  return model === 'llamagen' ? tokens : tokens + 2 * Math.max(0, tokens - 1) + patches;
}
