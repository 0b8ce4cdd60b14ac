import { DparError, type Random } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Settings for drawing a token. */
export interface DecodingOptions {
  /** True for the most likely token instead of a random one (default false). */
  readonly greedy?: boolean;
  /** Divisor of the logits (default 1). */
  readonly temperature?: number;
  /** Number k of most likely tokens to draw from (default 0: all). */
  readonly topK?: number;
  /** Probability that the most likely tokens to draw from reach together (default 1: all tokens). */
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
    throw new DparError(`sample: expected topK to be a whole number >= 0 (0: all tokens), got ${topK}. Correct topK.`);
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new DparError(`sample: expected topP above 0 and at most 1, got ${topP}. Use 1 for all tokens.`);
  }
}

/**
 * Index of the largest logit (the first of equal ones).
 * @throws DparError if one is NaN, or the largest is infinite: the weights are damaged, or belong to another model.
 */
export function mostLikely(logits: ArrayLike<number>): number {
  checkArguments('mostLikely', { logits }, { logits: 'number[]' });
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
 * Draws a token as LlamaGen does: top-k, then top-p, then one draw from the remaining tokens. Each token has its own random
 * number (the Gumbel-max trick), so rounding changes the draw only if two tokens nearly tie.
 * @param probabilities [V] of all tokens at the chosen temperature, overwritten. Their sum may be any positive number.
 * @param random Random stream, of which V words are read.
 * @throws DparError if one is not finite: the weights are damaged, or belong to another model.
 */
export function chooseToken(
  probabilities: Float32Array,
  options: Pick<DecodingOptions, 'topK' | 'topP'>,
  random: Pick<Random, 'gumbelMax'>,
): number {
  checkArguments(
    'chooseToken',
    { probabilities, options, random },
    {
      probabilities: 'Float32Array',
      options: { 'topK?': 'number', 'topP?': 'number' },
      random: { gumbelMax: 'function', '*': 'any' },
    },
  );
  const { topK = 0, topP = 1 } = options;
  try {
    if ((topK > 0 && topK < probabilities.length) || topP < 1) keepLikely(probabilities, topK, topP);
    return random.gumbelMax(probabilities);
  } catch (error) {
    // The draw has summed them: one that is not finite makes the sum so.
    const wrong = probabilities.find((probability) => !Number.isFinite(probability));
    throw wrong === undefined && probabilities.some((probability) => probability > 0) ? error : notFinite(wrong ?? 0);
  }
}

/** Keeps the k largest probabilities, of these the fewest that reach a share of p, and sets the others to 0. */
function keepLikely(probabilities: Float32Array, topK: number, topP: number): void {
  const count = topK > 0 ? Math.min(topK, probabilities.length) : probabilities.length;
  const order = byProbability(probabilities);
  let total = 0;
  if (topK > 0) for (let i = 0; i < count; i++) total += probabilities[order.at(i)] as number;
  else for (let i = 0; i < count; i++) total += probabilities[i] as number;
  const kept: [token: number, probability: number][] = [];
  let reached = 0;
  while (kept.length < count && (kept.length === 0 || topP === 1 || reached < topP * total)) {
    const token = order.at(kept.length);
    const probability = probabilities[token] as number;
    reached += probability;
    kept.push([token, probability]);
  }
  probabilities.fill(0);
  for (const [token, probability] of kept) probabilities[token] = probability;
}

/** Largest vocabulary whose tokens are sorted into 8 buckets for each power of two. Larger ones get 128. */
const smallVocabulary = 4096;

/**
 * Tokens in order of falling probability, equal ones by number, sorted on demand. The bits of floats >= 0 have the order
 * of the floats, so their upper bits sort all tokens into buckets in one pass.
 */
function byProbability(probabilities: Float32Array): { at(rank: number): number } {
  const bits = new Uint32Array(probabilities.buffer, probabilities.byteOffset, probabilities.length);
  const ignored = probabilities.length <= smallVocabulary ? 20 : 16;
  const bucketOf = (token: number): number => (bits[token] as number) >>> ignored;
  let highest = 0;
  for (let token = 0; token < bits.length; token++) highest = Math.max(highest, bucketOf(token));
  // End of each bucket, the highest first. Filling from the back turns it into the beginning.
  const bounds = new Uint32Array(highest + 2);
  for (let token = 0; token < bits.length; token++) (bounds[highest - bucketOf(token)] as number)++;
  for (let bucket = 1; bucket < bounds.length; bucket++) (bounds[bucket] as number) += bounds[bucket - 1] as number;
  const order = new Uint32Array(bits.length);
  for (let token = bits.length - 1; token >= 0; token--) {
    const bucket = highest - bucketOf(token);
    order[--(bounds[bucket] as number)] = token;
  }
  let bucket = 0;
  let sorted = 0;
  return {
    at(rank) {
      while (sorted <= rank) {
        const end = bounds[bucket + 1] as number;
        order
          .subarray(bounds[bucket], end)
          .sort((a, b) => (probabilities[b] as number) - (probabilities[a] as number) || a - b);
        sorted = end;
        bucket++;
      }
      return order[rank] as number;
    },
  };
}
