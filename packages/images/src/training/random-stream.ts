import { createRandom, type Random } from '@dpar/tensor';

/** Purposes of random numbers. `@dpar/train` has others, from 2 to 5. */
const purposes = { imageOrder: 1, imageCrop: 6 } as const;

/** Random numbers of a purpose in an epoch: a function of these and the seed only. */
export function randomStream(seed: number, purpose: keyof typeof purposes, epoch: number): Random {
  return createRandom(seed, purposes[purpose], epoch);
}
