import { DparError } from '../error.js';
import { portableLog } from './normal-quantile.js';
import { philoxKernels } from './philox.js';

const twoTo32 = 2 ** 32;

/** Number of weights that the kernels compare at a time. */
const group = 16;

/** Factor on the best quotient so far. The kernel compares in float32, so candidates are found with slack and compared exactly. */
const slack = 1 - 2 ** -20;
const largestFloat32 = 3.4e38;

/**
 * Draws the category with the largest weight / e, where each category has its own exponential number e: the Gumbel-max trick
 * (Gumbel, 1954). The logarithm of weight / e is the logarithm of the weight plus a Gumbel number. Category i is drawn with
 * probability weight i / sum. Different last bits of weights change the result only if two quotients are that close.
 *
 * e = -log(1 - t) with t = (word + 1/2) / 2^32, and e >= t. So only weights above (best so far) t need the logarithm.
 * @param weights Probabilities or weights [V]. They need not sum to 1, and those not above 0 are never drawn.
 * @param position Word of the stream for the first category. V words are used.
 * @throws DparError if a weight is not finite, or all are 0.
 */
export function gumbelMax(weights: Float32Array, key: readonly [number, number], position: number): number {
  const kernels = philoxKernels('gumbelMax');
  const capacity = kernels.weightCapacity.value;
  const memory = new Float32Array(kernels.memory.buffer, 0, capacity);
  let block = Math.floor(position / 4);
  // Words of the first block that belong to others.
  let skipped = position % 4;
  let total = 0;
  let best = 0;
  let winner = -1;
  for (let start = 0; start < weights.length; block += capacity / 4) {
    const taken = Math.min(capacity - skipped, weights.length - start);
    const count = Math.ceil((skipped + taken) / group) * group;
    memory.fill(0, 0, skipped).set(weights.subarray(start, start + taken), skipped);
    memory.fill(0, skipped + taken, count);
    total += kernels.total(count);
    const [low, high] = [block % twoTo32, Math.floor(block / twoTo32)];
    let from = skipped;
    for (;;) {
      const bound = Math.min(best * slack, largestFloat32);
      const place = kernels.nextCandidate(from, count, low, high, key[0], key[1], bound);
      if (place === count) break;
      const t = ((kernels.word.value >>> 0) + 0.5) / twoTo32;
      const quotient = kernels.weight.value / -portableLog(1 - t);
      if (quotient > best) {
        best = quotient;
        winner = start + place - skipped;
      }
      from = place + 1;
    }
    start += taken;
    skipped = 0;
  }
  if (!Number.isFinite(total) || winner < 0) {
    throw new DparError(
      `gumbelMax: expected finite weights with one above 0, got ${weights.length} weights of sum ${total}. Check 'weights'.`,
    );
  }
  return winner;
}
