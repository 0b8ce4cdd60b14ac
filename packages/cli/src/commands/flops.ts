import {
  type ComputeRow,
  compareCompute,
  type PresetName,
  paperPatchRatios,
  pixelsPerToken,
  presets,
  tableS1,
} from '@dpar/model';
import { defineCommand } from '../command/command.js';
import { UsageError } from '../command/errors.js';
import { formatList, formatTable } from '../command/format.js';
import { choice, flag, number, optional, wholeNumber } from '../command/options.js';

const models = Object.keys(presets) as PresetName[];

export const flops = defineCommand({
  name: 'flops',
  summary: 'Count compute and parameters of LlamaGen and DPAR, as in Table S1 of the paper',
  details:
    'Results are billions of multiply-accumulates (GMACs) per image, which the paper calls GFLOPs. They count ' +
    'linear layers, and 8 operations per layer and channel for norms and similar work. They do not count ' +
    'attention products, and neither the entropy model nor the boundary head that can replace it.',
  options: {
    model: optional(choice(models), 'size of the model', 'B'),
    resolution: optional(
      wholeNumber(pixelsPerToken, 8192),
      `image size in pixels, a multiple of ${pixelsPerToken}`,
      256,
    ),
    patchRatio: optional(
      number({ from: 1, to: 4096 }),
      'mean tokens per patch (default: 1.81 at 256 px, 2.06 at 384 px as in the paper)',
    ),
    table: flag("show all rows of Table S1 beside the paper's figures"),
  },
  run: async ({ model, resolution, patchRatio, table }) => {
    if (table) return formatTableS1();
    if (resolution % pixelsPerToken !== 0) {
      throw new UsageError(`--resolution: expected a multiple of ${pixelsPerToken}, got ${resolution}.`);
    }
    const ratio = patchRatio ?? paperPatchRatios[resolution];
    if (ratio === undefined) {
      const known = Object.keys(paperPatchRatios).join(' or ');
      throw new UsageError(
        `--patch-ratio: expected a number for ${resolution} px, got none. Only ${known} px have a default.`,
      );
    }
    const row = compareCompute(model, resolution, ratio);
    const text = formatList([
      ['model', `${model} at ${resolution} px, ${ratio} tokens per patch`],
      ['LlamaGen', `${row.llamaGenGmacs.toFixed(2)} GMACs per image`],
      ['DPAR', `${row.dparGmacs.toFixed(2)} GMACs per image`],
      ['reduction', `${row.reductionPercent.toFixed(1)} %`],
      ['parameters', `${formatMillions(row.parameters)} (DPAR)`],
    ]);
    return { data: toJson(row), text };
  },
});

function toJson(row: ComputeRow) {
  return {
    model: row.model,
    resolution: row.resolution,
    patch_ratio: row.patchRatio,
    llamagen_gmacs: row.llamaGenGmacs,
    dpar_gmacs: row.dparGmacs,
    reduction_percent: row.reductionPercent,
    parameters: row.parameters,
  };
}

function formatTableS1() {
  const rows = tableS1().map(({ paper, ...row }) => ({
    ...toJson(row),
    paper: {
      llamagen_gmacs: paper.llamaGenGmacs,
      dpar_gmacs: paper.dparGmacs,
      reduction_percent: paper.reductionPercent,
    },
    deviation_percent: {
      llamagen_gmacs: deviation(row.llamaGenGmacs, paper.llamaGenGmacs),
      dpar_gmacs: deviation(row.dparGmacs, paper.dparGmacs),
    },
  }));
  const head = [
    'model',
    'LlamaGen',
    'paper',
    'deviation',
    'DPAR',
    'paper',
    'deviation',
    'reduction',
    'paper',
    'parameters',
  ];
  const body = rows.map(({ paper, deviation_percent, ...row }) => [
    `${row.model}-${row.resolution}`,
    row.llamagen_gmacs.toFixed(2),
    paper.llamagen_gmacs.toFixed(2),
    formatDeviation(deviation_percent.llamagen_gmacs),
    row.dpar_gmacs.toFixed(2),
    paper.dpar_gmacs.toFixed(2),
    formatDeviation(deviation_percent.dpar_gmacs),
    `${row.reduction_percent.toFixed(1)} %`,
    `${paper.reduction_percent.toFixed(1)} %`,
    formatMillions(row.parameters),
  ]);
  const legend = 'GMACs per image. Patch ratio 1.81 at 256 px, 2.06 at 384 px. Parameters of DPAR.';
  return { data: { rows }, text: `${formatTable([head, ...body])}\n${legend}` };
}

const deviation = (ours: number, theirs: number): number => 100 * (ours / theirs - 1);

function formatDeviation(percent: number): string {
  const rounded = Math.round(percent * 100) / 100 || 0;
  return `${rounded > 0 ? '+' : ''}${rounded.toFixed(2)} %`;
}

const formatMillions = (count: number): string => `${(count / 1e6).toFixed(1)} M`;
