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
import { createMetricThreads } from '@dpar/eval/node';
import type { EvaluationSide } from './side.js';

/** How figures are computed. */
export interface FigureOptions {
  /** Logits of the samples. */
  readonly logits: Matrix | undefined;
  /** Images in a split of the Inception Score. */
  readonly splitSize: number;
  /** Neighbours of precision and recall. */
  readonly k: number;
  /** Resamples of the interval of FID; undefined for none. */
  readonly bootstrap: number | undefined;
  readonly threads: number | undefined;
}

/** All figures that two sets allow. */
export interface Figures {
  readonly fid: FrechetDistance;
  readonly sfid?: FrechetDistance;
  readonly score?: InceptionScore;
  readonly shares?: PrecisionRecall;
  readonly kid?: KernelDistance;
  readonly interval?: FrechetInterval;
}

/**
 * Computes the figures: FID needs statistics, sFID spatial ones, precision, recall and KID features of both, the interval of
 * FID those of the samples.
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
  const threads = createMetricThreads(count);
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
