import { type Spread, spreadOf } from '@dpar/example-kit';
import type { Chart, Series } from '@dpar/report';
import type { Run } from '../lab/runs.js';
import type { QualitySpread } from './quality-cells.js';

/** Styles of lines, in the order of their use. */
export const lineStyles = ['one', 'two', 'three', 'four', 'five'] as const;

/** Chart of the mean validation loss against steps, a line for each variant, without the steep beginning. */
export function lossChart(
  title: string,
  variants: readonly { readonly name: string; readonly runs: readonly Run[] }[],
): Chart {
  const series = variants.map(({ name, runs }, i) => ({
    name,
    style: lineStyles[i % lineStyles.length] as string,
    dots: true,
    points: (runs[0]?.curve ?? []).map(
      ({ step }, at) => [step, spreadOf(runs.map(({ curve }) => curve[at]?.loss ?? Number.NaN)).mean] as const,
    ),
  }));
  const steps = series[0]?.points.map(([step]) => step) ?? [];
  return {
    title,
    xLabel: 'steps',
    yLabel: 'validation loss, nats per token',
    series,
    fitFrom: steps[Math.min(2, steps.length - 1)] ?? 0,
  };
}

/** Charts of FID, Inception Score, precision and recall over a sweep, with the lowest and highest seed. */
export function sweepCharts(
  xLabel: string,
  xFrom: number,
  found: readonly { readonly at: number; readonly quality: QualitySpread }[],
): Chart[] {
  const lines = (of: (quality: QualitySpread) => Spread, name: string, style: string): Series[] => {
    const points = (read: (spread: Spread) => number) =>
      found.map(({ at, quality }) => [at, read(of(quality))] as const);
    return [
      { name, style, dots: true, points: points(({ mean }) => mean) },
      { name: `${name}, lowest seed`, style: `${style} thin`, points: points(({ values }) => Math.min(...values)) },
      { name: `${name}, highest seed`, style: `${style} thin`, points: points(({ values }) => Math.max(...values)) },
    ];
  };
  const chart = (title: string, yLabel: string, series: Series[]): Chart => ({ title, xLabel, xFrom, yLabel, series });
  return [
    chart(
      'FID',
      'FID',
      lines(({ fid }) => fid, 'FID', 'one'),
    ),
    chart(
      'Inception Score',
      'IS',
      lines(({ inceptionScore }) => inceptionScore, 'Inception Score', 'one'),
    ),
    chart('Precision and recall', 'share', [
      ...lines(({ precision }) => precision, 'precision', 'one'),
      ...lines(({ recall }) => recall, 'recall', 'two'),
    ]),
  ];
}
