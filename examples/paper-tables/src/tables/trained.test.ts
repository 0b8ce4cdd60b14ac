import { expect, it } from 'vitest';
import type { Evaluation } from '../lab/quality.js';
import type { Run } from '../lab/runs.js';
import { lossChart, sweepCharts } from './charts.js';
import { paperCells, qualityCells, qualitySpread } from './quality-cells.js';
import { trends } from './s7.js';
import { orderFindings, summarize, variantTable } from './trained.js';

const run = (...losses: readonly number[]): Run => ({
  name: 'run',
  folder: '',
  identity: '',
  steps: 10 * losses.length,
  validationLoss: losses.at(-1) as number,
  curve: losses.map((loss, i) => ({ step: 10 * (i + 1), seconds: 0, teraFlop: 0, loss })),
});

const evaluation = (fid: number, of = run(1)): Evaluation => ({
  run: of,
  fid,
  fidLow: fid - 1,
  fidHigh: fid + 1,
  inceptionScore: 2 * fid,
  precision: 0.5,
  recall: 0.25,
  images: 10,
  meanPatchLength: 2,
});

const variants = [
  { name: 'A', paper: 3.32, ...summarize([evaluation(10, run(4, 2)), evaluation(12, run(5, 3))]) },
  { name: 'B', paper: 3.42, ...summarize([evaluation(14, run(4, 1)), evaluation(16.2, run(5, 1.9))]) },
];

it('puts means over seeds beside the paper', () => {
  expect(variantTable(['Variant', 'Paper'], variants).rows).toEqual([
    ['A', '3.32', '2.500\u00a0±\u00a00.707', '11.00\u00a0±\u00a01.41', '10.00, 12.00'],
    ['B', '3.42', '1.450\u00a0±\u00a00.636', '15.10\u00a0±\u00a01.56', '14.00, 16.20'],
  ]);
});

it('judges the order by FID and by loss', () => {
  const [fid, loss] = orderFindings(variants);
  expect([fid?.agrees, loss?.agrees]).toEqual([true, false]);
  expect(fid?.text).toContain("FID: the paper's order holds (A < B)");
  expect(loss?.text).toContain('the paper has A < B, here it is B < A');
});

it('draws mean losses at the steps of validation', () => {
  const { series } = lossChart('Loss', variants);
  expect(series.map(({ name, points }) => [name, points])).toEqual([
    [
      'A',
      [
        [10, 4.5],
        [20, 2.5],
      ],
    ],
    [
      'B',
      [
        [10, 4.5],
        [20, 1.45],
      ],
    ],
  ]);
});

it('follows figures along a sweep, with the lowest and the highest seed', () => {
  const found = [1, 2].map((at) => ({ at, quality: qualitySpread([evaluation(at), evaluation(at + 2)]) }));
  expect(qualityCells(found[0]?.quality as (typeof found)[number]['quality'])).toEqual([
    '2.00\u00a0±\u00a01.41',
    '4.00\u00a0±\u00a02.83',
    '0.50\u00a0±\u00a00.00',
    '0.25\u00a0±\u00a00.00',
  ]);
  const [fid] = sweepCharts('scale', 1, found);
  expect(fid?.series.map(({ points }) => points.map(([, y]) => y))).toEqual([
    [2, 3],
    [1, 2],
    [3, 4],
  ]);
  const paper = [1, 2].map((guidance) => ({
    epoch: 300,
    guidance,
    fid: 5 - guidance,
    inceptionScore: 100 * guidance,
  }));
  expect(paperCells(paper[0])).toEqual(['4.00', '100.00', '', '']);
  const agreed = trends('From 1 to 2', paper, found).map(({ agrees }) => agrees);
  // FID falls in the paper and rises here, the Inception Score rises in both; the paper has no more.
  expect(agreed).toEqual([false, true]);
});
