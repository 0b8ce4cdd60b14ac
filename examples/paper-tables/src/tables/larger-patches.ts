import { calibrateThreshold } from '@dpar/entropy';
import type { Lab } from '../lab/lab.js';
import { dparRun, ownEntropy, patchedData } from '../lab/models.js';
import { evaluate } from '../lab/quality.js';
import type { Finding, TableContent } from '../report/result.js';
import { baseVariant, mainGrid } from '../settings.js';
import { scaledNote } from './trained.js';

/** Patches at inference that are longer than those of training. */
export async function makeLargerPatches(lab: Lab): Promise<TableContent> {
  const { largerPatches, seeds, patching } = lab.settings;
  const data = await patchedData(lab, ownEntropy);
  const run = await dparRun(lab, baseVariant, data, seeds[0] ?? 0, 'E1D4');
  const found = [];
  for (const { mean, longest } of largerPatches) {
    const asTrained = mean === patching.targetMeanPatchLength && longest === patching.maxPatchLength;
    const { threshold } = asTrained
      ? data
      : calibrateThreshold(data.entropies.train, {
          targetMeanPatchLength: mean,
          maxPatchLength: longest,
          rowLength: mainGrid,
        });
    const evaluation = await evaluate(lab, {
      name: `${run.name}, patches of ${mean} tokens, ${longest} at most`,
      run,
      patches: data,
      ...(!asTrained && { patching: { threshold, maxPatchLength: longest } }),
    });
    found.push({ mean, longest, threshold, asTrained, ...evaluation });
  }
  const base = found.find(({ asTrained }) => asTrained);
  return {
    title: 'Larger patches at inference than in training',
    basis: 'scaled',
    about: [
      'The supplement has no figures for this. One DPAR (E1D4, first seed), trained with patches of ' +
        `${patching.targetMeanPatchLength} tokens on average and ${patching.maxPatchLength} at most, generates with other thresholds and longest patches; thresholds are those that ` +
        'give the training images the mean patch length of the first column. Times are of whole batches on this machine, the entropy model included. The interval of FID is for other samples of the same model.',
      await scaledNote(lab),
    ],
    tables: [
      {
        head: [
          ...['Mean length of training images', 'longest patch', 'threshold (nats)', 'mean length when generating'],
          ...['FID', 'interval of 95 %', 'IS', 'precision', 'recall', 'ms an image', 'time / as trained'],
        ],
        rows: found.map((row) => [
          `${row.mean}${row.asTrained ? ' (as trained)' : ''}`,
          row.longest.toString(),
          row.threshold.toFixed(3),
          row.meanPatchLength.toFixed(2),
          row.fid.toFixed(2),
          `${row.fidLow.toFixed(2)} to ${row.fidHigh.toFixed(2)}`,
          row.inceptionScore.toFixed(2),
          row.precision.toFixed(2),
          row.recall.toFixed(2),
          (1000 * row.secondsPerImage).toFixed(0),
          base ? (row.secondsPerImage / base.secondsPerImage).toFixed(2) : '',
        ]),
      },
    ],
    charts: [
      chart('FID against patch length', 'FID', found, ({ fid }) => fid),
      chart('Time against patch length', 'ms an image', found, ({ secondsPerImage }) => 1000 * secondsPerImage),
    ],
    findings: base ? findings(base, found) : [],
  };
}

interface Row {
  readonly longest: number;
  readonly meanPatchLength: number;
  readonly fid: number;
  readonly fidHigh: number;
  readonly secondsPerImage: number;
}

function chart(title: string, yLabel: string, found: readonly Row[], y: (row: Row) => number) {
  const longest = [...new Set(found.map((row) => row.longest))];
  return {
    title,
    xLabel: 'tokens per patch when generating',
    xFrom: 1,
    yLabel,
    series: longest.map((length, i) => ({
      name: `${length} tokens at most`,
      style: ['one', 'two', 'three'][i % 3] as string,
      dots: true,
      points: found
        .filter((row) => row.longest === length)
        .map((row) => [row.meanPatchLength, y(row)] as const)
        .sort((a, b) => a[0] - b[0]),
    })),
  };
}

function findings(base: Row, found: readonly Row[]): Finding[] {
  const largest = found.reduce((most, row) => (row.meanPatchLength > most.meanPatchLength ? row : most), base);
  if (largest === base) return [];
  const faster = 100 * (1 - largest.secondsPerImage / base.secondsPerImage);
  return [
    {
      agrees: undefined,
      text:
        `Patches of ${largest.meanPatchLength.toFixed(2)} instead of ${base.meanPatchLength.toFixed(2)} tokens: FID ${base.fid.toFixed(2)} becomes ` +
        `${largest.fid.toFixed(2)}, time ${faster >= 0 ? `falls by ${faster.toFixed(0)} %` : `rises by ${(-faster).toFixed(0)} %`}.`,
    },
  ];
}
