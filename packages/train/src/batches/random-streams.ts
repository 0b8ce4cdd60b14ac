import { createRandom, type Random } from '@dpar/tensor';

/** Purposes for which random numbers are drawn: each has streams of its own, so that none depends on another. */
const purposes = { imageOrder: 1, batchOrder: 2, classDropout: 3, imageVariant: 4, dropout: 5 } as const;

/** The random numbers of one purpose and one epoch, window or step: a function of these and the seed alone. */
export function randomStream(seed: number, purpose: keyof typeof purposes, index: number): Random {
  return createRandom(seed, purposes[purpose], index);
}
