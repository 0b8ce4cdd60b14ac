import {
  type DparConfig,
  dparMacs,
  dparMatmulMacs,
  dparPreset,
  type LlamaGenConfig,
  llamaGenMacs,
  llamaGenMatmulMacs,
  llamaGenPreset,
  paperPatchRatios,
  presets,
  readDparConfig,
  readLlamaGenConfig,
} from '@dpar/model';
import type { Chart } from '@dpar/report';
import { modelFromSettings, readTrainConfig } from '@dpar/train';
import type { Lab } from '../lab/lab.js';
import {
  dparKeys,
  dparRun,
  llamaGenKeys,
  llamaGenRun,
  ownEntropy,
  type PatchedData,
  patchedData,
  patchesOf,
} from '../lab/models.js';
import { evaluate } from '../lab/quality.js';
import type { Run } from '../lab/runs.js';
import { generationTimes, stepTimes, type Times } from '../lab/timing.js';
import { paperS9 } from '../paper/tables.js';
import type { Finding, Grid, TableContent } from '../report/result.js';
import { differenceOf, formatSpread } from '../report/spread.js';
import { baseVariant, type GridSettings, mainGrid, patchSize } from '../settings.js';
import { type QualitySpread, qualityCells, qualityHead, qualitySpread } from './quality-cells.js';
import { scaledNote, summarize, type Trained } from './trained.js';

/** What was found out about one grid. */
interface GridResult {
  readonly grid: number;
  /** Tokens per patch of the training images. */
  readonly meanPatchLength: number;
  /** Multiply-accumulates of a forward pass for one image, attention included. */
  readonly macs: Times;
  readonly step: Times;
  readonly generation: Times;
  readonly quality: { readonly dpar: QualitySpread & Trained; readonly llamaGen: QualitySpread & Trained } | undefined;
}

/** Table S9: resolutions from 4 x 4 to 32 x 32 tokens. */
export async function makeS9(lab: Lab): Promise<TableContent> {
  const main = await patchedData(lab, ownEntropy);
  const found: GridResult[] = [];
  for (const settings of lab.settings.grids) {
    const isMain = settings.size === mainGrid;
    const data = isMain ? main : await patchedData(lab, { ...ownEntropy, grid: settings.size }, main.threshold);
    found.push(await measureGrid(lab, settings, data));
  }
  return {
    title: 'Resolution',
    basis: 'both',
    about: [
      'The same images at other resolutions, 4 pixels a token: emoji of 64 px are 16 x 16 tokens; smaller and larger grids are of images brought to their size ' +
        '(Lanczos; above 64 px nothing is added to what they show), all with one tokenizer. Each grid has an entropy model of its own; the threshold is that of 16 x 16 tokens for all, as the ' +
        "paper's hardly changes with the resolution. FID and the like are measured at 64 px.",
      'Times are of this machine, for one image: of a training step, a step of each model in turn; and of generation with guidance, in ' +
        `batches of ${lab.settings.timedImages}, keys and values cached. Multiply-accumulates are of all matrix products of a forward pass, attention included. ` +
        'Grids without quality were trained for a few steps only, so that generation could be timed.',
      await scaledNote(lab),
    ],
    tables: [growthTable(found), qualityTable(found), paperTable(), exactTable()],
    charts: charts(found),
    findings: findings(found),
  };
}

async function measureGrid(lab: Lab, settings: GridSettings, data: PatchedData): Promise<GridResult> {
  const { seeds, patching } = lab.settings;
  const { size, batchSize, quality } = settings;
  const chosen = quality ? seeds : seeds.slice(0, 1);
  const dpar: Run[] = [];
  const llamaGen: Run[] = [];
  for (const seed of chosen) {
    dpar.push(await dparRun(lab, baseVariant, data, seed, size === mainGrid ? 'E1D4' : `${size}x${size}`));
    llamaGen.push(await llamaGenRun(lab, baseVariant, data.grid, seed));
  }
  const evaluations = async (runs: readonly Run[], patches: PatchedData | undefined) => {
    const results = [];
    for (const run of runs) results.push(await evaluate(lab, { name: run.name, run, patches }));
    return { ...summarize(runs, results), ...qualitySpread(results) };
  };
  const { statistics } = patchesOf(data.entropies.train, {
    threshold: data.threshold,
    maxPatchLength: patching.maxPatchLength,
    rowLength: size,
  });
  const [firstDpar, firstLlamaGen] = [dpar[0], llamaGen[0]];
  if (firstDpar === undefined || firstLlamaGen === undefined)
    throw new Error('s9: expected at least one seed, got none.');
  return {
    grid: size,
    meanPatchLength: statistics.meanLength,
    macs: macsOf(lab, data, statistics.patches / statistics.images),
    step: await stepTimes(lab, baseVariant, data, batchSize),
    generation: await generationTimes(lab, data, { dpar: firstDpar, llamaGen: firstLlamaGen }),
    quality: quality
      ? { dpar: await evaluations(dpar, data), llamaGen: await evaluations(llamaGen, undefined) }
      : undefined,
  };
}

function macsOf(lab: Lab, data: PatchedData, patches: number): Times {
  const config = (model: object) =>
    modelFromSettings(readTrainConfig({ model, data: { tokens: '' }, steps: 1, output: '' }).model).configJson;
  const dpar: DparConfig = readDparConfig(config(dparKeys(lab, baseVariant, data)));
  const llamaGen: LlamaGenConfig = readLlamaGenConfig(config(llamaGenKeys(lab, baseVariant, data.grid)));
  return { dpar: dparMatmulMacs(dpar, patches), llamaGen: llamaGenMatmulMacs(llamaGen) };
}

const pair = ({ dpar, llamaGen }: Times, scale: number, digits: number): string[] => [
  (scale * llamaGen).toFixed(digits),
  (scale * dpar).toFixed(digits),
  (dpar / llamaGen).toFixed(2),
];

const pairHead = (what: string): string[] => [`${what}: LlamaGen`, 'DPAR', 'ratio'];

function growthTable(found: readonly GridResult[]): Grid {
  return {
    caption: 'Patches, compute and time for one image',
    head: [
      ...['Tokens (pixels)', 'tokens per patch', 'patches'],
      ...pairHead('10^6 multiply-accumulates'),
      ...pairHead('ms of a training step'),
      ...pairHead('ms of generation'),
    ],
    rows: found.map(({ grid, meanPatchLength, macs, step, generation }) => [
      `${grid} x ${grid} (${grid * patchSize} px)`,
      meanPatchLength.toFixed(2),
      (grid ** 2 / meanPatchLength).toFixed(1),
      ...pair(macs, 1e-6, 1),
      ...pair(step, 1000, 2),
      ...pair(generation, 1000, 1),
    ]),
  };
}

function qualityTable(found: readonly GridResult[]): Grid {
  return {
    caption: 'Quality where it was trained',
    head: ['Tokens', 'model', 'validation loss', ...qualityHead],
    rows: found.flatMap(({ grid, quality }) =>
      quality === undefined
        ? []
        : (['dpar', 'llamaGen'] as const).map((key) => [
            `${grid} x ${grid}`,
            key === 'dpar' ? 'DPAR' : 'LlamaGen',
            formatSpread(quality[key].loss, 3),
            ...qualityCells(quality[key]),
          ]),
    ),
  };
}

/** The paper's FID at every scale of guidance. */
function paperTable(): Grid {
  return {
    caption: "The paper's figures (B, epoch 299; FID at each scale of guidance)",
    head: ['Pixels', 'threshold (nats), longest patch', 'DPAR-B, FID at scale', 'LlamaGen-B, FID at scale'],
    rows: paperS9.map(({ pixels, threshold, dpar, llamaGen }) => [
      pixels.toString(),
      `${threshold.toFixed(2)}, 4`,
      dpar.map(({ guidance, fid }) => `${fid.toFixed(2)} (${guidance})`).join(', '),
      llamaGen.map(({ guidance, fid }) => `${fid.toFixed(2)} (${guidance})`).join(', '),
    ]),
  };
}

function exactTable(): Grid {
  return {
    caption:
      'Exact: compute of the B models for one image (GMACs as in Table S1); DPAR where the paper gives its mean patch length',
    head: ['Pixels', 'tokens', 'LlamaGen-B', 'DPAR-B', 'tokens per patch'],
    rows: paperS9.map(({ pixels }) => {
      const options = { gridSize: pixels / 16 };
      const ratio = paperPatchRatios[pixels];
      const config = dparPreset(presets.B, options);
      return [
        pixels.toString(),
        config.blockSize.toString(),
        (llamaGenMacs(llamaGenPreset(presets.B, options)) / 1e9).toFixed(2),
        ratio === undefined ? '' : (dparMacs(config, config.blockSize / ratio) / 1e9).toFixed(2),
        ratio?.toFixed(2) ?? '',
      ];
    }),
  };
}

function charts(found: readonly GridResult[]): Chart[] {
  const chart = (title: string, yLabel: string, of: (result: GridResult) => Times, scale: number): Chart => ({
    title,
    xLabel: 'tokens of an image',
    yLabel,
    series: (['llamaGen', 'dpar'] as const).map((key) => ({
      name: key === 'dpar' ? 'DPAR' : 'LlamaGen',
      style: key === 'dpar' ? 'dpar' : 'llamagen',
      dots: true,
      points: found.map((result) => [result.grid ** 2, scale * of(result)[key]] as const),
    })),
  });
  return [
    chart('Compute of a forward pass', '10^6 multiply-accumulates', ({ macs }) => macs, 1e-6),
    chart('Time of a training step', 'ms an image', ({ step }) => step, 1000),
    chart('Time of generation', 'ms an image', ({ generation }) => generation, 1000),
  ];
}

function findings(found: readonly GridResult[]): Finding[] {
  const [first, last] = [found[0], found.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const ratio = ({ dpar, llamaGen }: Times) => dpar / llamaGen;
  const change = (what: string, of: (result: GridResult) => Times): string =>
    `${what}, DPAR / LlamaGen: ${ratio(of(first)).toFixed(2)} at ${first.grid} x ${first.grid} tokens, ` +
    `${ratio(of(last)).toFixed(2)} at ${last.grid} x ${last.grid}.`;
  const time = (what: string, of: (result: GridResult) => Times): Finding => ({
    agrees: undefined,
    text: `${change(what, of)} The supplement has no times.`,
  });
  const better = found.flatMap(({ grid, quality }): Finding[] => {
    if (quality === undefined) return [];
    const [dpar, llamaGen] = [quality.dpar.fid, quality.llamaGen.fid];
    const { mean, clear } = differenceOf(dpar, llamaGen);
    const open = dpar.values.length > 1 && !clear;
    return [
      {
        agrees: open ? undefined : mean > 0,
        text:
          `FID at ${grid} x ${grid} tokens: DPAR ${formatSpread(dpar, 2)}, LlamaGen ${formatSpread(llamaGen, 2)}` +
          `${open ? ', within two standard errors of their difference' : ''}; in the paper DPAR's is lower at all resolutions.`,
      },
    ];
  });
  return [
    {
      agrees: ratio(last.macs) < ratio(first.macs),
      text: `${change('Multiply-accumulates', ({ macs }) => macs)} In the paper the saving grows with the resolution (Table S1).`,
    },
    time('Time of a training step', ({ step }) => step),
    time('Time of generation', ({ generation }) => generation),
    ...better,
  ];
}
