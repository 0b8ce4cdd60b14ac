import { calibrateThreshold } from '@dpar/entropy';
import type { Chart } from '@dpar/report';
import type { Lab } from '../lab/lab.js';
import { dparRun, ownEntropy, patchedData } from '../lab/models.js';
import { type Evaluation, evaluate } from '../lab/quality.js';
import { patchingTimes } from '../lab/timing.js';
import type { Finding, TableContent } from '../report/result.js';
import { differenceOf, formatSpread, spreadOf } from '../report/spread.js';
import { baseVariant, mainGrid } from '../settings.js';
import { lineStyles } from './charts.js';
import { type QualitySpread, qualityCells, qualityHead, qualitySpread } from './quality-cells.js';
import { scaledNote, sweepSeeds } from './trained.js';

/** Patches at inference that are longer than those of training. */
export async function makeLargerPatches(lab: Lab): Promise<TableContent> {
  const { largerPatches, patching } = lab.settings;
  const data = await patchedData(lab, ownEntropy);
  const runs = [];
  for (const seed of sweepSeeds(lab)) runs.push(await dparRun(lab, baseVariant, data, seed, 'E1D4'));
  const [first] = runs;
  if (first === undefined) throw new Error('larger-patches: expected at least one seed, got none.');
  const found: Omit<Row, 'seconds'>[] = [];
  for (const { mean, longest } of largerPatches) {
    const asTrained = mean === patching.targetMeanPatchLength && longest === patching.maxPatchLength;
    const { threshold } = asTrained
      ? data
      : calibrateThreshold(data.entropies.train, {
          targetMeanPatchLength: mean,
          maxPatchLength: longest,
          rowLength: mainGrid,
        });
    const evaluations: Evaluation[] = [];
    for (const run of runs) {
      evaluations.push(
        await evaluate(lab, {
          name: `${run.name}, patches of ${mean} tokens, ${longest} at most`,
          run,
          patches: data,
          ...(!asTrained && { patching: { threshold, maxPatchLength: longest } }),
        }),
      );
    }
    const { mean: meanPatchLength } = spreadOf(evaluations.map((evaluation) => evaluation.meanPatchLength));
    found.push({ mean, longest, threshold, asTrained, meanPatchLength, quality: qualitySpread(evaluations) });
  }
  const patchings = found.map(({ threshold, longest }) => ({ threshold, maxPatchLength: longest }));
  const times = await patchingTimes(lab, data, first, patchings);
  const rows = found.map((row, i): Row => ({ ...row, seconds: times[i] ?? Number.NaN }));
  const base = rows.find(({ asTrained }) => asTrained);
  return {
    title: 'Larger patches at inference than in training',
    basis: 'scaled',
    about: [
      'The supplement has no figures for this. DPAR (E1D4), trained with patches of ' +
        `${patching.targetMeanPatchLength} tokens on average and ${patching.maxPatchLength} at most, generates with other thresholds and longest patches; thresholds are those that ` +
        'give the training images the mean patch length of the first column. Times are of this machine, for one image of a batch of ' +
        `${lab.settings.timedImages}, the entropy model included: the median of some batches, a batch of each row in turn, by the model of the first seed.`,
      await scaledNote(lab),
    ],
    tables: [
      {
        head: [
          ...['Mean length of training images', 'longest patch', 'threshold (nats)', 'mean length when generating'],
          ...qualityHead,
          ...['ms an image', 'time / as trained'],
        ],
        rows: rows.map((row) => [
          `${row.mean}${row.asTrained ? ' (as trained)' : ''}`,
          row.longest.toString(),
          row.threshold.toFixed(3),
          row.meanPatchLength.toFixed(2),
          ...qualityCells(row.quality),
          (1000 * row.seconds).toFixed(0),
          base ? (row.seconds / base.seconds).toFixed(2) : '',
        ]),
      },
    ],
    charts: [
      chart('FID against patch length', 'FID', rows, ({ quality }) => quality.fid.mean),
      chart('Time against patch length', 'ms an image', rows, ({ seconds }) => 1000 * seconds),
    ],
    findings: base ? findings(base, rows) : [],
  };
}

/** A way of patching. */
interface Row {
  /** Of the training images, in tokens. */
  readonly mean: number;
  readonly longest: number;
  /** Nats. */
  readonly threshold: number;
  readonly asTrained: boolean;
  /** Of the generated images. */
  readonly meanPatchLength: number;
  readonly quality: QualitySpread;
  /** Of generating an image. */
  readonly seconds: number;
}

function chart(title: string, yLabel: string, rows: readonly Row[], y: (row: Row) => number): Chart {
  const longest = [...new Set(rows.map((row) => row.longest))];
  return {
    title,
    xLabel: 'tokens per patch when generating',
    xFrom: 1,
    yLabel,
    series: longest.map((length, i) => ({
      name: `${length} tokens at most`,
      style: lineStyles[i % lineStyles.length] as string,
      dots: true,
      points: rows
        .filter((row) => row.longest === length)
        .map((row) => [row.meanPatchLength, y(row)] as const)
        .sort((a, b) => a[0] - b[0]),
    })),
  };
}

function findings(base: Row, rows: readonly Row[]): Finding[] {
  const largest = rows.reduce((most, row) => (row.meanPatchLength > most.meanPatchLength ? row : most), base);
  if (largest === base) return [];
  const faster = 100 * (1 - largest.seconds / base.seconds);
  const [before, after] = [base.quality.fid, largest.quality.fid];
  const open = before.values.length > 1 && !differenceOf(after, before).clear;
  return [
    {
      agrees: undefined,
      text:
        `Patches of ${largest.meanPatchLength.toFixed(2)} instead of ${base.meanPatchLength.toFixed(2)} tokens: FID ${formatSpread(before, 2)} becomes ` +
        `${formatSpread(after, 2)}${open ? ' (within two standard errors of their difference)' : ''}, time ` +
        `${faster >= 0 ? `falls by ${faster.toFixed(0)} %` : `rises by ${(-faster).toFixed(0)} %`}.`,
    },
  ];
}
