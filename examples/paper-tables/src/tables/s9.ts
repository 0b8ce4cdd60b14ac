import { differenceOf, formatSpread } from '@dpar/example-kit';
import { dparMacs, dparPreset, llamaGenMacs, llamaGenPreset, paperPatchRatios, presets } from '@dpar/model';
import { patchStatistics } from '@dpar/patchify';
import type { Chart } from '@dpar/report';
import { generationTimesCost, stepTimesCost } from '../lab/costs.js';
import type { Lab } from '../lab/lab.js';
import { forwardMacs } from '../lab/macs.js';
import { type PatchedData, patchedData, patchesOfImages, trainModel } from '../lab/models.js';
import { evaluateAll } from '../lab/quality.js';
import { drawerOf } from '../lab/samples.js';
import { generationTimes, type Pair, stepTimes } from '../lab/timing.js';
import { paperS9 } from '../paper/tables.js';
import { dparOf, type ModelRecipe, ownEntropy } from '../recipes.js';
import type { Finding, Grid } from '../report/result.js';
import { baseVariant, mainGrid, patchSize, type Settings } from '../settings.js';
import { type QualitySpread, qualityCells, qualityHead, qualitySpread } from './quality-cells.js';
import { tableOf } from './table.js';
import { scaledNote, summarize, type Trained } from './trained.js';

/** Figures of one grid. */
interface GridResult {
  readonly grid: number;
  /** Tokens per patch of the training images. */
  readonly meanPatchLength: number;
  /** Multiply-accumulates of a forward pass for one image, attention included. */
  readonly macs: Pair;
  readonly step: Pair;
  readonly generation: Pair;
  readonly quality: { readonly dpar: QualitySpread & Trained; readonly llamaGen: QualitySpread & Trained } | undefined;
}

/** Models of each grid from all seeds, or from the first where only times are measured. */
function rowsOf(settings: Settings) {
  const { grids, seeds, timedImages } = settings;
  return grids.map(({ size, batchSize, quality }) => {
    const entropy = { ...ownEntropy, grid: size };
    const name = `${size}x${size}`;
    const dpar = dparOf(quality ? seeds : seeds.slice(0, 1), baseVariant, entropy, size === mainGrid ? 'E1D4' : name);
    const llamaGen = dpar.map((model): ModelRecipe => ({ ...model, kind: 'llamagen', label: name }));
    const pair = { dpar: dpar[0] as ModelRecipe, llamaGen: llamaGen[0] as ModelRecipe };
    return {
      size,
      batchSize,
      pair,
      dpar,
      llamaGen,
      entropies: [ownEntropy, entropy],
      models: [...dpar, ...llamaGen],
      evaluations: quality ? [...dpar, ...llamaGen].map((model) => ({ model })) : [],
      otherCost:
        stepTimesCost(settings, Object.values(pair), batchSize) + generationTimesCost(timedImages, size ** 2, 2),
    };
  });
}

type GridRow = ReturnType<typeof rowsOf>[number];

/** Table S9: resolutions from 4 x 4 to 32 x 32 tokens. */
export const s9 = tableOf(rowsOf, async (lab, rows) => {
  const main = await patchedData(lab, ownEntropy);
  const found: GridResult[] = [];
  for (const row of rows) {
    const entropy = { ...ownEntropy, grid: row.size };
    const data = row.size === mainGrid ? main : await patchedData(lab, entropy, main.patching.threshold);
    found.push(await measureGrid(lab, row, data));
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
});

async function measureGrid(lab: Lab, row: GridRow, data: PatchedData): Promise<GridResult> {
  const { size, batchSize, pair, dpar, llamaGen, evaluations } = row;
  const ways = [];
  for (const [i, model] of dpar.entries()) {
    const runs = [await trainModel(lab, model, data), await trainModel(lab, llamaGen[i] as ModelRecipe, data)];
    if (i === 0) ways.push(...runs.map((run) => ({ drawer: drawerOf(lab, run, data) })));
  }
  const patches = patchStatistics(patchesOfImages(data, 'train'));
  const macs = (model: ModelRecipe) => forwardMacs(lab, model, data, patches.patches / patches.images);
  const step = await stepTimes(lab, pair, data, batchSize);
  const name = `Times of generation, ${size}x${size}`;
  const [dparSeconds, llamaGenSeconds] = await generationTimes(lab, name, data.grid, ways);
  const measured = await evaluateAll(lab, evaluations, data);
  const quality = (part: typeof measured) => ({ ...summarize(part), ...qualitySpread(part) });
  const [ofDpar, ofLlamaGen] = [measured.slice(0, dpar.length), measured.slice(dpar.length)];
  return {
    grid: size,
    meanPatchLength: patches.meanLength,
    macs: { dpar: macs(pair.dpar), llamaGen: macs(pair.llamaGen) },
    step,
    generation: { dpar: dparSeconds ?? Number.NaN, llamaGen: llamaGenSeconds ?? Number.NaN },
    quality: measured.length > 0 ? { dpar: quality(ofDpar), llamaGen: quality(ofLlamaGen) } : undefined,
  };
}

const pair = ({ dpar, llamaGen }: Pair, scale: number, digits: number): string[] => [
  (scale * llamaGen).toFixed(digits),
  (scale * dpar).toFixed(digits),
  (dpar / llamaGen).toFixed(2),
];

const pairHead = (what: string): string[] => [`${what}: LlamaGen`, 'DPAR', 'ratio'];

function growthTable(found: readonly GridResult[]): Grid {
  return {
    caption: 'Patches, compute and time for one image',
    head: [
      'Tokens (pixels)',
      'tokens per patch',
      'patches',
      ...pairHead('10⁶ multiply-accumulates'),
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
  const chart = (title: string, yLabel: string, of: (result: GridResult) => Pair, scale: number): Chart => ({
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
    chart('Compute of a forward pass', '10⁶ multiply-accumulates', ({ macs }) => macs, 1e-6),
    chart('Time of a training step', 'ms an image', ({ step }) => step, 1000),
    chart('Time of generation', 'ms an image', ({ generation }) => generation, 1000),
  ];
}

function findings(found: readonly GridResult[]): Finding[] {
  const [first, last] = [found[0], found.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const ratio = ({ dpar, llamaGen }: Pair) => dpar / llamaGen;
  const change = (what: string, of: (result: GridResult) => Pair): string =>
    `${what}, DPAR / LlamaGen: ${ratio(of(first)).toFixed(2)} at ${first.grid} x ${first.grid} tokens, ` +
    `${ratio(of(last)).toFixed(2)} at ${last.grid} x ${last.grid}.`;
  const time = (what: string, of: (result: GridResult) => Pair): Finding => ({
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
        covered: open,
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
