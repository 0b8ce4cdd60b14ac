import type { KindsOf } from '@dpar/check';
import { createRandom, DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { checkMatrix, type Matrix, matrixKinds, rowsAt } from './matrix.js';
import { mean, variance } from './statistics.js';

/** Images per split, as in the ADM evaluator. */
const defaultSplitSize = 5000;

/** Inception Score: mean and standard deviation over splits. */
export interface InceptionScore {
  /** Mean over the splits, from 1 to the number of classes. */
  readonly mean: number;
  /** Population standard deviation over the splits. It is 0 for one split. */
  readonly deviation: number;
  /** Number of splits. */
  readonly splits: number;
  /** Warnings about distortions: a shorter last split and, for logits in memory, their order or kind. */
  readonly warnings: readonly string[];
}

/** Options of the Inception Score. */
export interface InceptionScoreOptions {
  /** Images per split. Default: 5000. The last split may be shorter, as in the ADM evaluator. */
  readonly splitSize?: number | undefined;
}

export const inceptionScoreOptionsKinds: KindsOf<InceptionScoreOptions> = { 'splitSize?': 'number' };

/**
 * Accumulates the Inception Score of logits that arrive in pieces. The score of a split is exp of the mean KL
 * divergence in nats (Salimans et al. 2016). It is taken between the class distribution of each image and the split's
 * mean distribution. Memory: a number per class.
 *
 * Splits hold consecutive images. Images sorted by class therefore give a lower score than shuffled ones; `inceptionScore`
 * warns about this.
 */
export class InceptionScoreAccumulator {
  /** Images per split. */
  readonly splitSize: number;
  readonly #marginal: Float64Array; // sum over images of the split of p
  #negativeEntropy = 0; // sum over images of the split of p log p
  #count = 0; // images of the split
  readonly #scores: number[] = [];

  /** @throws DparError if the split size is not a whole number >= 1. */
  constructor(
    readonly classes: number,
    options: InceptionScoreOptions = {},
  ) {
    checkArguments(
      'InceptionScoreAccumulator',
      { classes, options },
      { classes: 'number', 'options?': inceptionScoreOptionsKinds },
    );
    const { splitSize = defaultSplitSize } = options;
    if (!(Number.isInteger(splitSize) && splitSize >= 1)) {
      throw new DparError(
        `inceptionScore: expected a split size that is a whole number >= 1, got ${splitSize}. ADM uses 5000.`,
      );
    }
    this.splitSize = splitSize;
    this.#marginal = new Float64Array(classes);
  }

  /**
   * Adds logits [n, classes], before softmax.
   * @throws DparError if they have another length or are not finite.
   */
  add(logits: Matrix): void {
    checkArguments('InceptionScoreAccumulator.add', { logits }, { logits: matrixKinds });
    const { data, rows, columns } = logits;
    if (columns !== this.classes) {
      throw new DparError(
        `inceptionScore: expected logits of ${this.classes} classes, got ${columns}. Use one network.`,
      );
    }
    checkMatrix('inceptionScore', logits, 0);
    for (let row = 0; row < rows; row++) {
      this.#addImage(data.subarray(row * columns, (row + 1) * columns));
      if (this.#count === this.splitSize) this.#endSplit();
    }
  }

  /** Scores of the splits so far. The last split may have fewer images. */
  splitScores(): readonly number[] {
    return this.#count > 0 ? [...this.#scores, this.#score()] : this.#scores;
  }

  /** Score so far. The last split may be incomplete. @throws DparError if there are no logits. */
  finish(): InceptionScore {
    const scores = this.splitScores();
    if (scores.length === 0)
      throw new DparError('inceptionScore: expected logits, got none. Add the logits of images.');
    const centre = mean(scores);
    const deviation = Math.sqrt(mean(scores.map((score) => (score - centre) ** 2)));
    return { mean: centre, deviation, splits: scores.length, warnings: this.#lastSplitWarning(scores) };
  }

  #lastSplitWarning(scores: readonly number[]): string[] {
    const whole = scores.slice(0, -1);
    if (this.#count === 0 || whole.length === 0) return [];
    return [
      `The last split of the Inception Score has ${this.#count} of ${this.splitSize} images and the score ` +
        `${scores.at(-1)?.toFixed(2)}. The mean of the others is ${mean(whole).toFixed(2)}, but all splits count equally. ` +
        'Choose a split size that divides the number of images.',
    ];
  }

  #addImage(logits: Float32Array | Float64Array): void {
    let largest = Number.NEGATIVE_INFINITY;
    for (const value of logits) largest = Math.max(largest, value);
    let sum = 0;
    for (const value of logits) sum += Math.exp(value - largest);
    const logSum = Math.log(sum);
    for (let c = 0; c < logits.length; c++) {
      const logProbability = (logits[c] as number) - largest - logSum;
      const probability = Math.exp(logProbability);
      if (probability === 0) continue; // avoids 0 * -Infinity
      this.#marginal[c] = (this.#marginal[c] as number) + probability;
      this.#negativeEntropy += probability * logProbability;
    }
    this.#count++;
  }

  #score(): number {
    let divergence = this.#negativeEntropy / this.#count;
    for (const total of this.#marginal) {
      if (total > 0) divergence -= (total / this.#count) * Math.log(total / this.#count);
    }
    return Math.exp(divergence);
  }

  #endSplit(): void {
    this.#scores.push(this.#score());
    this.#marginal.fill(0);
    this.#negativeEntropy = 0;
    this.#count = 0;
  }
}

/** Number of random splits that the splits in the given order are compared with. */
const randomSplits = 16;

/** The order warning needs a score below this share of the score of random splits, */
const lowShare = 0.97;

/** and a difference of at least this many standard errors. */
const standardErrors = 3;

/** Largest rounding error of the sum of a row of float16 probabilities. */
const sumTolerance = 1e-2;

/**
 * Inception Score of logits [N, classes] in memory, before softmax; see {@link InceptionScoreAccumulator}. It also warns if
 * the order of the images lowers the score, or if the logits are probabilities.
 * @throws DparError if the logits are empty or not finite, or the split size is invalid.
 */
export function inceptionScore(logits: Matrix, options: InceptionScoreOptions = {}): InceptionScore {
  checkArguments(
    'inceptionScore',
    { logits, options },
    { logits: matrixKinds, 'options?': inceptionScoreOptionsKinds },
  );
  const accumulator = new InceptionScoreAccumulator(logits.columns, options);
  accumulator.add(logits);
  const { warnings, ...score } = accumulator.finish();
  const whole = accumulator.splitScores().slice(0, Math.floor(logits.rows / accumulator.splitSize));
  return {
    ...score,
    warnings: [...warnings, ...orderWarning(logits, accumulator.splitSize, whole), ...kindWarning(logits)],
  };
}

/**
 * Warning if whole splits in the given order have lower scores than splits of random images. This happens if images are sorted
 * by class, because then a split holds only some classes.
 */
function orderWarning(logits: Matrix, splitSize: number, scores: readonly number[]): string[] {
  if (logits.rows <= splitSize || scores.length === 0) return [];
  const random = Array.from({ length: randomSplits }, (_, stream) => {
    const accumulator = new InceptionScoreAccumulator(logits.columns, { splitSize });
    const rows = createRandom(0, stream).permutation(logits.rows).subarray(0, splitSize);
    for (const piece of rowsAt(logits, rows)) accumulator.add(piece);
    return accumulator.finish().mean;
  });
  const [given, expected] = [mean(scores), mean(random)];
  const spread = variance(random);
  const error = Math.sqrt(spread / scores.length + spread / randomSplits);
  if (given >= lowShare * expected || given >= expected - standardErrors * error) return [];
  return [
    `The Inception Score depends on the order of the images: the mean of its splits of ${splitSize} in the given order is ` +
      `${given.toFixed(2)}, the mean of random splits ${expected.toFixed(2)}. Images sorted by class lower the score: ` +
      'shuffle them, or choose a split size of all images.',
  ];
}

/** Warning if no value is negative and each row sums to 1. */
function kindWarning({ data, rows, columns }: Matrix): string[] {
  if (columns < 2) return [];
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let place = row * columns; place < (row + 1) * columns; place++) {
      const value = data[place] as number;
      if (value < 0) return [];
      sum += value;
    }
    if (Math.abs(sum - 1) > sumTolerance) return [];
  }
  return [
    'The logits of the Inception Score are probabilities: each row sums to 1, and a second softmax lowers the score. ' +
      'Pass logits, or the logarithms of the probabilities.',
  ];
}
