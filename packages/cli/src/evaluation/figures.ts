import {
  type FrechetDistance,
  frechetDistance,
  type InceptionScore,
  inceptionScore,
  type KernelDistance,
  kernelDistance,
  type Matrix,
  type PrecisionRecall,
  precisionRecall,
} from '@dpar/eval';
import type { EvaluationSide } from './side.js';

/** How figures are computed. */
export interface FigureOptions {
  /** Logits of the samples. */
  readonly logits: Matrix | undefined;
  /** Images in a split of the Inception Score. */
  readonly splitSize: number;
  /** Neighbours of precision and recall. */
  readonly k: number;
}

/** All figures that two sets allow. */
export interface Figures {
  readonly fid: FrechetDistance;
  readonly sfid?: FrechetDistance;
  readonly score?: InceptionScore;
  readonly shares?: PrecisionRecall;
  readonly kid?: KernelDistance;
}

/** Computes the figures: FID needs statistics, sFID spatial ones, precision, recall and KID features of both. */
export function computeFigures(
  reference: EvaluationSide,
  samples: EvaluationSide,
  { logits, splitSize, k }: FigureOptions,
): Figures {
  const fid = frechetDistance(reference.statistics, samples.statistics);
  const figures = {
    fid,
    ...(logits && { score: inceptionScore(logits, { splitSize }) }),
    ...(reference.spatial && samples.spatial && { sfid: frechetDistance(reference.spatial, samples.spatial) }),
  };
  if (reference.pool === undefined || samples.pool === undefined) return figures;
  const shares = precisionRecall(reference.pool, samples.pool, { k });
  return { ...figures, shares, kid: kernelDistance(reference.pool, samples.pool) };
}
