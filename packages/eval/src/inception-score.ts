import { checkMatrix, type Matrix } from './matrix.js';

/** Mean and standard deviation over the splits. */
export interface InceptionScore {
  readonly mean: number;
  /** Standard deviation over the splits (of the population); 0 with one split. */
  readonly deviation: number;
  readonly splits: number;
}

/**
 * Inception Score: exp of the mean KL divergence, in nats, of each image's class distribution from the mean distribution of
 * its split (Salimans et al. 2016). The last split may be shorter, as in the ADM evaluator.
 *
 * @param logits [N, classes], before softmax.
 * @throws DparError if the logits are empty or not finite.
 */
export function inceptionScore(logits: Matrix, { splitSize = 5000 }: { splitSize?: number } = {}): InceptionScore {
  checkMatrix('inceptionScore', logits, 1);
  const { rows, columns } = logits;
  const scores: number[] = [];
  for (let first = 0; first < rows; first += splitSize) {
    const end = Math.min(rows, first + splitSize);
    const marginal = new Float64Array(columns);
    let negativeEntropy = 0; // sum over images of sum p log p
    for (let row = first; row < end; row++) {
      const line = logits.data.subarray(row * columns, (row + 1) * columns);
      let largest = Number.NEGATIVE_INFINITY;
      for (const value of line) largest = Math.max(largest, value);
      let sum = 0;
      for (const value of line) sum += Math.exp(value - largest);
      for (let c = 0; c < columns; c++) {
        const logProbability = (line[c] as number) - largest - Math.log(sum);
        const probability = Math.exp(logProbability);
        marginal[c] = (marginal[c] as number) + probability;
        negativeEntropy += probability * logProbability;
      }
    }
    const count = end - first;
    let divergence = negativeEntropy / count;
    for (const total of marginal) if (total > 0) divergence -= (total / count) * Math.log(total / count);
    scores.push(Math.exp(divergence));
  }
  const mean = scores.reduce((a, b) => a + b) / scores.length;
  const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length);
  return { mean, deviation, splits: scores.length };
}
