import { checkArguments } from '../check-arguments.js';
import { DparError } from '../error.js';

/**
 * Category that a uniform number selects: the first at which the running sum of weights exceeds that share of their sum.
 * Categories of weight 0 are never selected.
 * @param weights Probabilities, or any weights >= 0. They need not sum to 1.
 * @param uniform Number in [0, 1).
 * @throws DparError if a weight is negative or not finite, or all are 0.
 */
export function categorical(weights: ArrayLike<number>, uniform: number): number {
  checkArguments('categorical', { weights, uniform }, { weights: 'number[]', uniform: 'number' });
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new DparError(
        `categorical: expected weights that are finite and >= 0, got ${weight} at place ${i}. Check 'weights'.`,
      );
    }
    total += weight;
  }
  if (!(total > 0))
    throw new DparError(`categorical: expected a weight above 0, got ${weights.length} weights of 0. Check 'weights'.`);
  const share = uniform * total;
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    sum += weight;
    last = i;
    if (share < sum) break;
  }
  return last;
}

/**
 * {@link categorical} for logits: log probabilities up to a constant, with -Infinity to exclude a category. `Math.exp` may
 * differ between JavaScript engines in the last bit. Then the result differs if `uniform` is within 1e-15 of the border
 * between two categories.
 * @throws DparError as {@link categorical}.
 */
export function categoricalOfLogits(logits: ArrayLike<number>, uniform: number): number {
  checkArguments('categoricalOfLogits', { logits, uniform }, { logits: 'number[]', uniform: 'number' });
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i] as number);
  return categorical(
    Float64Array.from(logits, (logit) => Math.exp(logit - largest)),
    uniform,
  );
}
