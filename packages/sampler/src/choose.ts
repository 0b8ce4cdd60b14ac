import { DparError } from '@dpar/tensor';

/** How a token is drawn from logits. */
export interface DecodingOptions {
  /** The most likely token instead of a random one (default false). */
  readonly greedy?: boolean;
  /** Logits are divided by this (default 1). */
  readonly temperature?: number;
  /** Only the k most likely tokens (default 0: all). */
  readonly topK?: number;
  /** Only the most likely tokens that together reach this probability (default 1: all). */
  readonly topP?: number;
}

/** @throws DparError naming the option that is out of range. */
export function checkDecoding({ temperature = 1, topK = 0, topP = 1 }: DecodingOptions): void {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new DparError(
      `sample: expected a temperature above 0, got ${temperature}. Use greedy for the most likely token.`,
    );
  }
  if (!(Number.isInteger(topK) && topK >= 0)) {
    throw new DparError(`sample: expected topK to be a whole number >= 0 (0: all tokens), got ${topK}.`);
  }
  if (!(topP > 0 && topP <= 1)) throw new DparError(`sample: expected topP above 0 and at most 1, got ${topP}.`);
}

/**
 * Index of the largest logit (the first of equal ones).
 * @throws DparError if one is NaN, or the largest is infinite: the weights are broken, or not of this model.
 */
export function mostLikely(logits: Float32Array): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] as number;
    if (Number.isNaN(logit)) throw notFinite(logit);
    if (logit > (logits[best] as number)) best = i;
  }
  const largest = logits[best] as number;
  if (!Number.isFinite(largest)) throw notFinite(largest);
  return best;
}

function notFinite(logit: number): DparError {
  return new DparError(`sample: expected finite logits, got ${logit}. Check the weights: training may have diverged.`);
}

/**
 * Draws a token. Temperature, then top-k, then top-p, then one draw from what is left, as LlamaGen does it.
 * @param logits [V]
 * @param uniform Number in [0, 1) that decides.
 * @throws as {@link mostLikely}
 */
export function chooseToken(logits: Float32Array, options: DecodingOptions, uniform: number): number {
  if (options.greedy) return mostLikely(logits);
  const { temperature = 1, topK = 0, topP = 1 } = options;
  const largest = logits[mostLikely(logits)] as number;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  if ((topK > 0 && topK < weights.length) || topP < 1) keepLikely(weights, topK, topP);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let rest = uniform * total;
  let last = 0;
  for (let token = 0; token < weights.length; token++) {
    const weight = weights[token] as number;
    if (weight === 0) continue;
    last = token;
    rest -= weight;
    if (rest < 0) break;
  }
  return last;
}

/** Sets to zero all weights but the k largest, and of those all but the fewest that reach a share of p. */
function keepLikely(weights: Float64Array, topK: number, topP: number): void {
  const order = Uint32Array.from(weights, (_, i) => i).sort(
    (a, b) => (weights[b] as number) - (weights[a] as number) || a - b,
  );
  const count = topK > 0 ? Math.min(topK, order.length) : order.length;
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[order[i] as number] as number;
  let reached = 0;
  let kept = 0;
  while (kept < count && (kept === 0 || reached < topP * total)) reached += weights[order[kept++] as number] as number;
  for (let i = kept; i < order.length; i++) weights[order[i] as number] = 0;
}
