import type { EntropyModelConfig } from '@dpar/entropy';
import { patchesOf } from '@dpar/example-kit/emoji';
import { boundaryPatching, type DparConfig, patchingOptions } from '@dpar/model';
import type { ImageModel } from '@dpar/nn';
import { patchStatistics } from '@dpar/patchify';
import { createSampler } from '@dpar/sampler';
import { type HostTensorOf, int32 } from '@dpar/tensor';
import { createBoundaryValidator, createValidator, entropiesOfSet, type TokenSet } from '@dpar/train';
import { digestOf } from './cache.js';
import { entropiesCost } from './costs.js';
import type { TokenizedImages } from './images.js';
import type { Lab } from './lab.js';
import { type Quality, qualityOnce } from './quality.js';
import { type Drawer, samplesOnce, spreadLabels } from './samples.js';

/** A DPAR with the origin of the entropies of its patches. */
export interface Patcher extends Drawer {
  /** Origin of the entropies. */
  readonly name: string;
  readonly dpar: ImageModel<DparConfig>;
  /** Without one, the boundary head predicts the entropies. */
  readonly entropyModel?: ImageModel<EntropyModelConfig> | undefined;
}

/** @param identity Everything that determines it, as JSON. @param entropyModel Default: the boundary head. */
export function patcherOf(
  { engine }: Lab,
  name: string,
  identity: unknown,
  dpar: ImageModel<DparConfig>,
  entropyModel?: ImageModel<EntropyModelConfig>,
): Patcher {
  const open = async () => createSampler(engine, dpar, { entropyModel });
  return { name, identity, dpar, entropyModel, open };
}

/** Patches of a patcher on the validation images. */
export interface PatchQuality {
  /** Pearson's correlation of its entropies with those of the entropy model. */
  readonly correlation: number;
  /** Share of the tokens that start a patch by both or by neither. */
  readonly agreement: number;
  /** DPAR's loss with these patches, nats per token. */
  readonly loss: number;
  /** Tokens per patch. */
  readonly meanPatchLength: number;
}

/** Measures the patches of a patcher, and compares its entropies with those of the entropy model, [N, T - 1]. */
export async function patchQuality(
  lab: Lab,
  name: string,
  patcher: Patcher,
  { tokens, labels, digest }: TokenizedImages,
  given: HostTensorOf<'float32'>,
): Promise<PatchQuality> {
  const { identity, dpar, entropyModel } = patcher;
  const [N = 0, T = 0] = tokens.shape;
  const set = { tokens, labels: int32([N], labels) };
  const cost = 2 * entropiesCost({ dim: dpar.config.dim, tokenLayers: 4, tokens: T }, N);
  const work = { kind: 'patches', name: `Patches: ${name}, ${patcher.name}`, total: 1, cost };
  return lab.work.json(work, { identity, digest, given: digestOf(Array.from(given.data)) }, async () => {
    const entropies = entropyModel ? given : await entropiesOfSet(lab.engine, dpar, set);
    const patching = entropyModel ? patchingOptions(dpar.config) : boundaryPatching(dpar.config);
    const { meanLength: meanPatchLength } = patchStatistics(patchesOf(entropies, patching));
    const loss = await lossOf(lab, dpar, { ...set, entropies }, patching.threshold ?? null);
    if (entropyModel) return { correlation: 1, agreement: 1, loss, meanPatchLength };
    const validator = createBoundaryValidator(lab.engine, dpar);
    const { correlation, agreement } = await validator.measure(dpar.parameters, { ...set, entropies: given });
    await validator.dispose();
    return { correlation, agreement, loss, meanPatchLength };
  });
}

async function lossOf(
  { engine }: Lab,
  dpar: ImageModel<DparConfig>,
  set: TokenSet,
  threshold: number | null,
): Promise<number> {
  const config = { ...dpar.config, patching: { ...dpar.config.patching, threshold } };
  const validator = createValidator(engine, { ...dpar, config });
  const loss = await validator.loss(dpar.parameters, set, 16);
  await validator.dispose();
  return loss;
}

/** Number of images, and their decoding. */
export interface Drawing {
  readonly images: number;
  readonly seed: number;
  readonly guidance: number;
  readonly temperature: number;
  readonly topP: number;
}

/** Generates images with the patches of a patcher and measures them. @param train Their classes are as frequent as here. */
export async function drawnQuality(
  lab: Lab,
  name: string,
  patcher: Patcher,
  train: TokenizedImages,
  { images, seed, guidance: guidanceScale, temperature, topP }: Drawing,
): Promise<Quality & { readonly meanPatchLength: number }> {
  const { identity, open } = patcher;
  const decoding = { guidanceScale, temperature, topP, seed };
  const title = `${name}, ${patcher.name}`;
  const samples = await samplesOnce(lab, {
    name: title,
    identity: digestOf([identity, images, decoding, train.digest]),
    tokensPerImage: train.tokens.shape[1] ?? 0,
    options: { ...decoding, labels: spreadLabels(train.labels, images), batchSize: lab.settings.sampling.batchSize },
    about: { source: patcher.name, ...decoding },
    open,
  });
  return { ...(await qualityOnce(lab, title, samples)), meanPatchLength: samples.meanPatchLength };
}
