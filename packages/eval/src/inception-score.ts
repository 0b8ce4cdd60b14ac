import { createRandom } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import {
  type InceptionScore,
  InceptionScoreAccumulator,
  type InceptionScoreOptions,
  inceptionScoreOptionsKinds,
} from './inception-score-accumulator.js';
import { type Matrix, matrixKinds, rowsAt } from './matrix.js';
import { mean, variance } from './statistics.js';

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
