import {
  type FrechetDistance,
  type FrechetInterval,
  frechetDistance,
  type InceptionScore,
  inceptionScore,
  type KernelDistance,
  type Matrix,
  type PrecisionRecall,
} from '@dpar/eval';
import { startThreads } from '@dpar/eval/node';
import type { EvaluationSide } from './side.js';

/** Options of {@link computeFigures}. */
export interface FigureOptions {
  /** Logits of the samples [N, classes]. */
  readonly logits: Matrix | undefined;
  /** Images per split of the Inception Score. */
  readonly splitSize: number;
  /** Number of neighbours for precision and recall. */
  readonly k: number;
  /** Number of resamples for the interval of FID; undefined for no interval. */
  readonly bootstrap: number | undefined;
  readonly threads: number | undefined;
}

/** Figures of two sets. */
export interface Figures {
  readonly fid: FrechetDistance;
  readonly sfid?: FrechetDistance;
  readonly score?: InceptionScore;
  readonly shares?: PrecisionRecall;
  readonly kid?: KernelDistance;
  readonly interval?: FrechetInterval;
}

/**
 * Computes all figures that the sets allow.
 * FID needs statistics, sFID spatial statistics. Precision, recall and KID need features of both sets, the interval of FID
 * features of the samples.
 */
export async function computeFigures(
  reference: EvaluationSide,
  samples: EvaluationSide,
  { logits, splitSize, k, bootstrap: resamples, threads: count }: FigureOptions,
): Promise<Figures> {
  const fid = frechetDistance(reference.statistics, samples.statistics);
  const figures = {
    fid,
    ...(logits && { score: inceptionScore(logits, { splitSize }) }),
    ...(reference.spatial && samples.spatial && { sfid: frechetDistance(reference.spatial, samples.spatial) }),
  };
  if (samples.pool === undefined) return figures;
  const threads = startThreads(count);
  try {
    const interval =
      resamples === undefined
        ? undefined
        : await threads.frechetInterval(reference.statistics, samples.pool, { resamples });
    const known = { ...figures, ...(interval && { interval }) };
    if (reference.pool === undefined) return known;
    const shares = await threads.precisionRecall(reference.pool, samples.pool, { k });
    return { ...known, shares, kid: await threads.kernelDistance(reference.pool, samples.pool) };
  } finally {
    await threads.close();
  }
}
