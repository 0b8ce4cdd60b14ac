import { createRandom } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import {
  type InceptionScore,
  InceptionScoreAccumulator,
  type InceptionScoreOptions,
  inceptionScoreOptionsKinds,
} from './inception-score-accumulator.js';
import { type Matrix, matrixKinds, rowsAt } from './matrix.js';

/** Random splits with which those in the given order are compared. */
const randomSplits = 16;

/** A lower score than of random splits is worth a warning from this share on, */
const lowShare = 0.97;

/** and if chance explains it no more: this many standard errors. */
const standardErrors = 3;

/** Rounding in float16 moves the sum of a row of probabilities by less. */
const sumTolerance = 1e-2;

/**
 * Inception Score of logits [N, classes] in memory, before softmax; see {@link InceptionScoreAccumulator}. Its warnings also
 * say if the score is low because of the images' order, and if the logits are probabilities.
 * @throws DparError if the logits are empty or not finite, or the split size is wrong.
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
 * A warning if whole splits in the given order have lower scores than splits of random images: as where images are sorted by
 * class, so that a split holds some classes only.
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
  const variance = random.reduce((sum, score) => sum + (score - expected) ** 2, 0) / (randomSplits - 1);
  const error = Math.sqrt(variance / scores.length + variance / randomSplits);
  if (given >= lowShare * expected || given >= expected - standardErrors * error) return [];
  return [
    `The Inception Score depends on the order of the images: its splits of ${splitSize} in the given order have ` +
      `${given.toFixed(2)} on average, splits of random images ${expected.toFixed(2)}. Images that are sorted by class give ` +
      'too low a score: shuffle them, or choose a split size of all images.',
  ];
}

/** A warning if each row is from 0 up and has the sum 1. */
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
    'The logits of the Inception Score are probabilities: each row has the sum 1, and softmax of them gives too low a score. ' +
      'Pass logits, or the logarithms of the probabilities.',
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b) / values.length;
}
