import { basename } from 'node:path';
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
import type { Result } from '../command/command.js';
import { finiteOrNull, formatFixed, formatList } from '../command/format.js';
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

/** An evaluation to report. */
export interface Evaluation {
  readonly reference: EvaluationSide;
  readonly samples: EvaluationSide;
  readonly figures: Figures;
  readonly splitSize: number;
  readonly k: number;
}

/** Names of the Fréchet distance by the first word of the network's identity. Unknown features are those of FID in most files. */
const distanceNames: Readonly<Record<string, string>> = { dinov2: 'FD-DINOv2', onnx: 'Fréchet distance' };

/** Name of the Fréchet distance of the features: FID for those of Inception-v3. */
function distanceName(sides: readonly EvaluationSide[]): string {
  const identity = sides.flatMap(({ origin }) => origin?.networkIdentity ?? [])[0] ?? '';
  return distanceNames[identity.split(' ')[0] ?? ''] ?? 'FID';
}

/** Formats the figures as JSON and as text, with the settings that they depend on. */
export function reportEvaluation({ reference, samples, figures, splitSize, k }: Evaluation): Result {
  const { fid, sfid, score, shares, kid, interval } = figures;
  const sides = [reference, samples];
  const distance = distanceName(sides);
  const data = {
    fid: finiteOrNull(fid.distance),
    ...(interval && {
      fid_interval: [interval.low, interval.high].map(finiteOrNull),
      fid_interval_level: interval.level,
      fid_standard_error: finiteOrNull(interval.standardError),
    }),
    ...(sfid && { sfid: finiteOrNull(sfid.distance) }),
    ...(score && {
      inception_score: finiteOrNull(score.mean),
      inception_score_deviation: finiteOrNull(score.deviation),
    }),
    ...shares,
    ...(kid && {
      kid: finiteOrNull(kid.mean),
      kid_standard_error: finiteOrNull(kid.standardError),
      kid_subset_size: kid.subsetSize,
    }),
    reference: reference.path,
    samples: samples.path,
    reference_count: reference.count ?? null,
    sample_count: samples.count ?? null,
    distance,
    features: samples.statistics.mean.length,
    network: samples.origin?.network ?? reference.origin?.network ?? null,
    resize: samples.origin?.resize ?? reference.origin?.resize ?? null,
    extracted: reference.extracted + samples.extracted,
    ignored_files: sides.flatMap(({ ignored }) => ignored),
    skipped_files: sides.flatMap(({ skipped }) => skipped),
    warnings: warningsOf(figures),
  };
  const rows: (readonly [string, string])[] = [
    ['reference', `${basename(reference.path)}, N = ${reference.count ?? 'unknown'}`],
    ['samples', `${basename(samples.path)}, N = ${samples.count ?? 'unknown'}`],
    ['feature network', `${stated(sides, 'network')}, ${data.features} numbers per image`],
    ['resize', stated(sides, 'resize')],
    [distance, `${formatFixed(fid.distance, 4)} (biased upwards, about in proportion to 1/N: compare only at equal N)`],
  ];
  if (interval) {
    const { low, high, level, resamples } = interval;
    const text = `${formatFixed(low, 4)} to ${formatFixed(high, 4)} (${100 * level} %, ${resamples} resamples of the samples)`;
    rows.push([`${distance} interval`, text]);
  }
  if (sfid) rows.push(['sFID', formatFixed(sfid.distance, 4)]);
  if (score) {
    rows.push([
      'Inception Score',
      `${formatFixed(score.mean, 4)} ± ${formatFixed(score.deviation, 4)}, splits of ${splitSize}`,
    ]);
  }
  if (shares) {
    rows.push(['precision', `${formatFixed(shares.precision, 4)} (k = ${k})`]);
    rows.push(['recall', `${formatFixed(shares.recall, 4)} (k = ${k})`]);
  }
  if (kid)
    rows.push([
      'KID',
      `${formatFixed(kid.mean, 6)} ± ${formatFixed(kid.standardError, 6)} (standard error, ${kid.subsets} subsets of ${kid.subsetSize})`,
    ]);
  return { data, text: formatList(rows) };
}

/** Warnings of all figures without repetition. Figures that are not finite, which are null in JSON, are among them. */
export function warningsOf({ fid, sfid, score, kid, interval }: Figures): string[] {
  const figures = {
    FID: fid.distance,
    'the interval of FID': interval && interval.high - interval.low,
    sFID: sfid?.distance,
    'the Inception Score': score?.mean,
    KID: kid?.mean,
  };
  const overflows = Object.entries(figures).flatMap(([name, value]) =>
    value === undefined || Number.isFinite(value)
      ? []
      : [`${name} is ${value}: products of the features exceed float64. Check the features, or scale them.`],
  );
  const warnings = [fid, sfid, score].flatMap((figure) => figure?.warnings ?? []);
  return [...new Set([...warnings, ...overflows])];
}

/** Describes a property of the features, which only one side may know. */
function stated(sides: readonly EvaluationSide[], what: 'network' | 'resize'): string {
  const unknown = sides.filter(({ origin }) => origin === undefined).map(({ path }) => basename(path));
  const known = sides.flatMap(({ origin }) => origin?.[what] ?? []);
  const [first] = known;
  if (first === undefined) return 'unknown: the files do not name it';
  return unknown.length === 0 ? first : `${first} (unknown in ${unknown.join(', ')})`;
}
