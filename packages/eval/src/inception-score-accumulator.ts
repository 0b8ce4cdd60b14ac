import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { checkMatrix, type Matrix, matrixKinds } from './matrix.js';

/** Images in a split, as in the ADM evaluator. */
const defaultSplitSize = 5000;

/** Mean and standard deviation over the splits. */
export interface InceptionScore {
  /** Mean over the splits: 1 to the number of classes. */
  readonly mean: number;
  /** Standard deviation over the splits (of the population); 0 with one split. */
  readonly deviation: number;
  /** Number of splits. */
  readonly splits: number;
  /** Sentences about what distorts the score: a shorter last split, and, of logits in memory, their order or kind. */
  readonly warnings: readonly string[];
}

/** How images are split. */
export interface InceptionScoreOptions {
  /** Images in a split, 5000 by default; the last split may be shorter, as in the ADM evaluator. */
  readonly splitSize?: number | undefined;
}

/** Kinds of {@link InceptionScoreOptions}. */
export const inceptionScoreOptionsKinds: KindsOf<InceptionScoreOptions> = { 'splitSize?': 'number' };

/**
 * Inception Score of logits that arrive in pieces: exp of the mean KL divergence, in nats, of each image's class
 * distribution from the mean distribution of its split (Salimans et al. 2016). Memory: a number for each class.
 *
 * Splits are of consecutive images, so that images sorted by class give a lower score than shuffled ones; `inceptionScore`
 * warns of it.
 */
export class InceptionScoreAccumulator {
  /** Images in a split. */
  readonly splitSize: number;
  readonly #marginal: Float64Array; // sum over images of the split of p
  #negativeEntropy = 0; // sum over images of the split of p log p
  #count = 0; // images of the split
  readonly #scores: number[] = [];

  /** @throws DparError if the split size is no whole number from 1 up. */
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
        `inceptionScore: expected a split size that is a whole number from 1 up, got ${splitSize}. ADM's is 5000.`,
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

  /** Scores of the splits so far; the last one may be of fewer images. */
  splitScores(): readonly number[] {
    return this.#count > 0 ? [...this.#scores, this.#score()] : this.#scores;
  }

  /** The score so far, of which the last split may be incomplete. @throws DparError if there are no logits. */
  finish(): InceptionScore {
    const scores = this.splitScores();
    if (scores.length === 0) throw new DparError('inceptionScore: expected logits, got none. Add those of images.');
    const mean = scores.reduce((a, b) => a + b) / scores.length;
    const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length);
    return { mean, deviation, splits: scores.length, warnings: this.#lastSplitWarning(scores) };
  }

  #lastSplitWarning(scores: readonly number[]): string[] {
    const whole = scores.slice(0, -1);
    if (this.#count === 0 || whole.length === 0) return [];
    const ofWhole = whole.reduce((a, b) => a + b) / whole.length;
    return [
      `The last split of the Inception Score has ${this.#count} of ${this.splitSize} images and a score of ` +
        `${scores.at(-1)?.toFixed(2)}, the others ${ofWhole.toFixed(2)} on average, but it counts as much as they do. ` +
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
      if (probability === 0) continue; // its logarithm may be -Infinity
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
