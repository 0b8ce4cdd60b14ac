import { basename } from 'node:path';
import type { Result } from '../command.js';
import { formatList } from '../table.js';
import type { Figures } from './figures.js';
import type { EvaluationSide } from './side.js';

/** What is said of an evaluation. */
export interface Evaluation {
  readonly reference: EvaluationSide;
  readonly samples: EvaluationSide;
  readonly figures: Figures;
  readonly splitSize: number;
  readonly k: number;
}

/** The figures for programs and for people, with all that they depend on. */
export function reportEvaluation({ reference, samples, figures, splitSize, k }: Evaluation): Result {
  const { fid, sfid, score, shares, kid, interval } = figures;
  const sides = [reference, samples];
  const data = {
    fid: fid.distance,
    ...(interval && {
      fid_interval: [interval.low, interval.high],
      fid_interval_level: interval.level,
      fid_standard_error: interval.standardError,
    }),
    ...(sfid && { sfid: sfid.distance }),
    ...(score && { inception_score: score.mean, inception_score_deviation: score.deviation }),
    ...shares,
    ...(kid && { kid: kid.mean, kid_standard_error: kid.standardError, kid_subset_size: kid.subsetSize }),
    reference: reference.path,
    samples: samples.path,
    reference_count: reference.count ?? null,
    sample_count: samples.count ?? null,
    features: samples.statistics.mean.length,
    network: samples.origin?.network ?? reference.origin?.network ?? null,
    resize: samples.origin?.resize ?? reference.origin?.resize ?? null,
    extracted: reference.extracted + samples.extracted,
    ignored_files: sides.flatMap(({ ignored }) => ignored),
    skipped_files: sides.flatMap(({ skipped }) => skipped),
    warnings: warningsOf(figures),
  };
  const rows: (readonly [string, string])[] = [
    ['reference', `${basename(reference.path)}, N = ${reference.count ?? 'not stated'}`],
    ['samples', `${basename(samples.path)}, N = ${samples.count ?? 'not stated'}`],
    ['feature network', `${stated(sides, 'network')}, ${data.features} numbers an image`],
    ['resize', stated(sides, 'resize')],
    ['FID', `${fid.distance.toFixed(4)} (biased upwards, about as 1/N: compare at equal N alone)`],
  ];
  if (interval) {
    const { low, high, level, resamples } = interval;
    const text = `${low.toFixed(4)} to ${high.toFixed(4)} (${100 * level} %, ${resamples} resamples of the samples)`;
    rows.push(['FID interval', text]);
  }
  if (sfid) rows.push(['sFID', sfid.distance.toFixed(4)]);
  if (score) {
    rows.push(['Inception Score', `${score.mean.toFixed(4)} ± ${score.deviation.toFixed(4)}, splits of ${splitSize}`]);
  }
  if (shares) {
    rows.push(['precision', `${shares.precision.toFixed(4)} (k = ${k})`]);
    rows.push(['recall', `${shares.recall.toFixed(4)} (k = ${k})`]);
  }
  if (kid)
    rows.push([
      'KID',
      `${kid.mean.toFixed(6)} ± ${kid.standardError.toFixed(6)} (standard error, ${kid.subsets} subsets of ${kid.subsetSize})`,
    ]);
  return { data, text: formatList(rows) };
}

/** What the figures warn of, each warning once. */
export function warningsOf({ fid, sfid }: Figures): string[] {
  return [...new Set([...fid.warnings, ...(sfid?.warnings ?? [])])];
}

/** What the sides say of their features; they may not both do so. */
function stated(sides: readonly EvaluationSide[], what: 'network' | 'resize'): string {
  const unknown = sides.filter(({ origin }) => origin === undefined).map(({ path }) => basename(path));
  const known = sides.flatMap(({ origin }) => origin?.[what] ?? []);
  const [first] = known;
  if (first === undefined) return 'not stated in the files';
  return unknown.length === 0 ? first : `${first} (not stated in ${unknown.join(', ')})`;
}
