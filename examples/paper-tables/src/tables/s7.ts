import { dparKind, dparPreset, presets } from '@dpar/model';
import { countParameters } from '@dpar/nn';
import { patchedData } from '../lab/models.js';
import { evaluateAll } from '../lab/quality.js';
import { type PaperModel, paperS7 } from '../paper/tables.js';
import { dparOf, ownEntropy, sweepSeeds } from '../recipes.js';
import type { Finding, Grid } from '../report/result.js';
import { baseVariant } from '../settings.js';
import { sweepCharts } from './charts.js';
import { paperCells, paperModelTable, qualityCells, qualityHead, qualitySpread } from './quality-cells.js';
import { tableOf } from './table.js';
import { scaledNote } from './trained.js';
import { compareTrend } from './trend.js';

/** Table S7: quality against the scale of guidance. */
export const s7 = tableOf(
  (settings) =>
    settings.guidanceScales.map((guidance) => ({
      guidance,
      entropies: [ownEntropy],
      evaluations: dparOf(sweepSeeds(settings), baseVariant, ownEntropy, 'E1D4').map((model) => ({
        model,
        guidance,
        label: `guidance ${guidance}`,
      })),
    })),
  async (lab, rows) => {
    const data = await patchedData(lab, ownEntropy);
    const found = [];
    for (const { guidance, evaluations } of rows) {
      found.push({ at: guidance, quality: qualitySpread(await evaluateAll(lab, evaluations, data)) });
    }
    const paper = paperS7[0]?.rows ?? [];
    const paperAt = (guidance: number) => paper.find((row) => row.guidance === guidance);
    const shared = found.filter(({ at }) => paperAt(at));
    const [first, last] = [shared[0], shared.at(-1)];
    return {
      title: 'Guidance',
      basis: 'both',
      about: [
        "The paper's rows are of DPAR-B at 256 px and epoch 300; ours of the DPAR of this example (E1D4) after its whole training.",
        await scaledNote(lab),
      ],
      tables: [
        {
          head: [
            'Scale',
            ...qualityHead.map((name) => `${name}, paper (B-256)`),
            ...qualityHead.map((name) => `${name}, ours`),
          ],
          rows: found.map(({ at, quality }) => [at.toString(), ...paperCells(paperAt(at)), ...qualityCells(quality)]),
        },
        parameterTable(paperS7),
        paperModelTable(paperS7, 256),
      ],
      charts: sweepCharts('scale of guidance', Math.min(...found.map(({ at }) => at)), found),
      findings: [
        ...(first && last && first !== last
          ? trends(`From scale ${first.at} to ${last.at}`, [paperAt(first.at), paperAt(last.at)], [first, last])
          : []),
        parameterFinding(paperS7),
      ],
    };
  },
);

/** Findings on the trends of the four figures, in the paper and here. */
export function trends(
  change: string,
  [paperFirst, paperLast]: readonly (PaperModel['rows'][number] | undefined)[],
  [first, last]: readonly { readonly quality: ReturnType<typeof qualitySpread> }[],
): Finding[] {
  return (['fid', 'inceptionScore', 'precision', 'recall'] as const).flatMap((key, i) => {
    const ours = [first?.quality[key], last?.quality[key]] as const;
    const paper = [paperFirst?.[key], paperLast?.[key]] as const;
    if (!ours[0] || !ours[1] || paper[0] === undefined || paper[1] === undefined) return [];
    return compareTrend(change, qualityHead[i] as string, [paper[0], paper[1]], [ours[0], ours[1]], 2);
  });
}

const countedParameters = (model: PaperModel['model']): number =>
  countParameters(dparKind.specs(dparPreset(presets[model])));

/** Finding whether the numbers of parameters are the paper's to one percent. */
export function parameterFinding(models: readonly PaperModel[]): Finding {
  const others = models.filter(({ model, parameters }) => Math.abs(countedParameters(model) / parameters - 1) > 0.01);
  const list = others
    .map(
      ({ model, parameters }) =>
        `${model} has ${millionsOf(countedParameters(model))}, in the paper ${parameters / 1e6}M`,
    )
    .join('; ');
  return {
    agrees: others.length === 0,
    text: `Parameters are the paper's to one percent${others.length === 0 ? '' : `, but for these: ${list}`}.`,
  };
}

const millionsOf = (count: number): string => `${(count / 1e6).toFixed(1)}M`;

/** Parameters as the paper prints them, and as counted. */
export function parameterTable(models: readonly PaperModel[]): Grid {
  return {
    caption: 'Exact: parameters of DPAR, counted from the shapes of its weights',
    head: ['Model', 'Parameters, paper', 'ours'],
    rows: models.map(({ model, parameters }) => [model, `${parameters / 1e6}M`, millionsOf(countedParameters(model))]),
  };
}
