import { createHash } from 'node:crypto';
import { loadEmojiModel } from '@dpar/emoji/node';
import { isBoundaryParameter } from '@dpar/model';
import type { ImageModel } from '@dpar/nn';
import { createSampler } from '@dpar/sampler';
import { named } from '@dpar/tensor';
import { mainGrid } from '../settings.js';
import { digestOf } from './cache.js';
import type { Lab } from './lab.js';
import { type Quality, qualityOnce } from './quality.js';
import { samplesOnce, spreadLabels } from './samples.js';

/** Origin of the entropies that the shipped model draws with. */
export type EntropySource = 'entropy model' | 'boundary head';

/** Images that the model of @dpar/emoji draws from a seed: their quality and mean patch length. */
export async function shippedQuality(
  lab: Lab,
  source: EntropySource,
  seed: number,
): Promise<Quality & { readonly meanPatchLength: number }> {
  const { dpar, entropy } = await loadEmojiModel();
  const { images, guidance: guidanceScale, temperature, topP } = lab.settings.shipped;
  const { batchSize } = lab.settings.sampling;
  const { train } = await lab.data.at('google', mainGrid);
  const decoding = { guidanceScale, temperature, topP, seed };
  const usesHead = source === 'boundary head';
  const models = [
    weightsDigest(dpar, (name) => usesHead || !isBoundaryParameter(name)),
    usesHead ? dpar.config.boundaryHead : [weightsDigest(entropy), dpar.config.patching],
  ];
  const name = `Model of @dpar/emoji with its ${source}, seed ${seed}`;
  const samples = await samplesOnce(lab, {
    name,
    identity: digestOf([models, images, decoding, train.digest]),
    tokensPerImage: mainGrid ** 2,
    options: { ...decoding, labels: spreadLabels(train.labels, images), batchSize },
    about: { source, ...decoding },
    open: async () => createSampler(lab.engine, dpar, usesHead ? {} : { entropyModel: entropy }),
  });
  return { ...(await qualityOnce(lab, name, samples)), meanPatchLength: samples.meanPatchLength };
}

/** Digest of the weights with some names. */
function weightsDigest({ parameters }: ImageModel, isCounted: (name: string) => boolean = () => true): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(parameters).filter(isCounted).sort())
    hash.update(name).update(named(parameters, name).data);
  return hash.digest('hex').slice(0, 16);
}
