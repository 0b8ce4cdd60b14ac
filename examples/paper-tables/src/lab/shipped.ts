import { createHash } from 'node:crypto';
import { loadEmojiModel } from '@dpar/emoji/node';
import { isBoundaryParameter } from '@dpar/model';
import type { ImageModel } from '@dpar/nn';
import { type HostTensorOf, int32, named } from '@dpar/tensor';
import { entropiesOfSet } from '@dpar/train';
import type { TokenizedImages } from './images.js';
import type { Lab } from './lab.js';
import { type Patcher, patcherOf } from './patchers.js';

/** The DPAR of @dpar/emoji with its entropy model, and with its boundary head. */
export async function shippedPatchers(lab: Lab): Promise<Patcher[]> {
  const { dpar, entropy } = await loadEmojiModel();
  const withEntropyModel = [
    weightsDigest(dpar, (name) => !isBoundaryParameter(name)),
    [weightsDigest(entropy), dpar.config.patching],
  ];
  return [
    patcherOf(lab, 'entropy model', withEntropyModel, dpar, entropy),
    patcherOf(lab, 'boundary head', [weightsDigest(dpar), dpar.config.boundaryHead], dpar),
  ];
}

/** Entropies of the shipped entropy model: [N, T - 1], nats. */
export async function entropiesOfShipped(
  { engine }: Lab,
  { tokens, labels }: TokenizedImages,
): Promise<HostTensorOf<'float32'>> {
  const { entropy } = await loadEmojiModel();
  return entropiesOfSet(engine, entropy, { tokens, labels: int32([labels.length], labels) });
}

/** Digest of the weights with some names. */
function weightsDigest({ parameters }: ImageModel, isCounted: (name: string) => boolean = () => true): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(parameters).filter(isCounted).sort())
    hash.update(name).update(named(parameters, name).data);
  return hash.digest('hex').slice(0, 16);
}
