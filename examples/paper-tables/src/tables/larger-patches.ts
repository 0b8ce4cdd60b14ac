import { differenceOf, formatSpread, spreadOf } from '@dpar/example-kit';
import type { Chart } from '@dpar/report';
import { generationTimesCost } from '../lab/costs.js';
import { patchedData, patchingOf, trainModel } from '../lab/models.js';
import { evaluateAll } from '../lab/quality.js';
import { drawerOf } from '../lab/samples.js';
import { generationTimes } from '../lab/timing.js';
import { dparOf, ownEntropy, sweepSeeds } from '../recipes.js';
import type { Finding } from '../report/result.js';
import { baseVariant, mainGrid } from '../settings.js';
import { lineStyles } from './charts.js';
import { type QualitySpread, qualityCells, qualityHead, qualitySpread } from './quality-cells.js';
import { tableOf } from './table.js';
import { scaledNote } from './trained.js';

/** Patches at inference that are longer than those of training. */
export const largerPatches = tableOf(
  (settings) => {
    const { patching, timedImages } = settings;
    const models = dparOf(sweepSeeds(settings), baseVariant, ownEntropy, 'E1D4');
    return settings.largerPatches.map(({ mean, longest }) => {
      const asTrained = mean === patching.targetMeanPatchLength && longest === patching.maxPatchLength;
      const label = `patches of ${mean} tokens, ${longest} at most`;
      return {
        mean,
        longest,
        asTrained,
        entropies: [ownEntropy],
        models,
        evaluations: models.map((model) =>
          asTrained ? { model, label } : { model, label, patching: { mean, longest } },
        ),
        otherCost: generationTimesCost(timedImages, mainGrid ** 2, 1),
      };
    });
  },
  async (lab, recipes) => {
    const { patching } = lab.settings;
    const data = await patchedData(lab, ownEntropy);
    const runs = [];
    for (const model of recipes[0]?.models ?? []) runs.push(await trainModel(lab, model, data));
    const [first] = runs;
    if (first === undefined) throw new Error('larger-patches: expected at least one seed, got 0. Raise --seeds.');
    const found: Omit<Row, 'seconds'>[] = [];
    for (const { mean, longest, asTrained, evaluations } of recipes) {
      const measured = await evaluateAll(lab, evaluations, data);
      const { mean: meanPatchLength } = spreadOf(measured.map((evaluation) => evaluation.meanPatchLength));
      const { threshold } = asTrained ? data.patching : patchingOf(data, { mean, longest });
      found.push({ mean, longest, threshold, asTrained, meanPatchLength, quality: qualitySpread(measured) });
    }
    const drawer = drawerOf(lab, first, data);
    const ways = found.map(({ threshold, longest }) => ({
      drawer,
      patching: { threshold, maxPatchLength: longest },
    }));
    const times = await generationTimes(lab, 'Times of generation with larger patches', data.grid, ways);
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
            'Mean length of training images',
            'longest patch',
            'threshold (nats)',
            'mean length when generating',
            ...qualityHead,
            'ms an image',
            'time / as trained',
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
  },
);

/** Figures of a way of patching. */
interface Row {
  /** Mean patch length of the training images, in tokens. */
  readonly mean: number;
  readonly longest: number;
  /** Nats. */
  readonly threshold: number;
  readonly asTrained: boolean;
  /** Mean patch length of the generated images. */
  readonly meanPatchLength: number;
  readonly quality: QualitySpread;
  /** Time of generating an image. */
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
      covered: open,
      text:
        `Patches of ${largest.meanPatchLength.toFixed(2)} instead of ${base.meanPatchLength.toFixed(2)} tokens: FID ${formatSpread(before, 2)} becomes ` +
        `${formatSpread(after, 2)}${open ? ' (within two standard errors of their difference)' : ''}, time ` +
        `${faster >= 0 ? `falls by ${faster.toFixed(0)} %` : `rises by ${(-faster).toFixed(0)} %`}.`,
    },
  ];
}
