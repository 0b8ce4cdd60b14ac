import { DparError } from '../error.js';
import { philoxKernels } from './philox.js';

const twoTo32 = 2 ** 32;

/** Number of values of the 16 bits for one element. */
const values = 2 ** 16;

/** Elements per block of four words. */
const perBlock = 8;

/**
 * Fills a mask from the words of a stream, two elements per word; the lower 16 bits belong to the first. An element is 1 if
 * its bits are below keep 2^16, rounded.
 * @param position Word of the first two elements.
 * @throws DparError if `keep` is not within [0, 1].
 */
export function fillKeepMask(mask: Uint8Array, keep: number, key: readonly [number, number], position: number): void {
  if (!(keep >= 0 && keep <= 1)) {
    throw new DparError(`fillKeepMask: expected a probability from 0 to 1, got ${keep}. Check 'keep'.`);
  }
  const kept = Math.round(keep * values);
  if (kept === 0) {
    mask.fill(0);
    return;
  }
  const kernels = philoxKernels('fillKeepMask');
  const capacity = kernels.maskCapacity.value;
  const chunk = new Uint8Array(kernels.memory.buffer, 0, capacity);
  let block = Math.floor(position / 4);
  // Elements of the first block that belong to earlier words.
  let skipped = 2 * (position % 4);
  for (let start = 0; start < mask.length; block += capacity / perBlock) {
    const count = Math.min(capacity - skipped, mask.length - start);
    kernels.keepMask(skipped + count, block % twoTo32, Math.floor(block / twoTo32), key[0], key[1], kept - 1);
    mask.set(chunk.subarray(skipped, skipped + count), start);
    start += count;
    skipped = 0;
  }
}
