import { formatSpread, type Spread, spreadOf } from '@dpar/example-kit';
import type { Quality } from '../lab/quality.js';
import type { PaperModel, PaperQuality } from '../paper/tables.js';
import type { Grid } from '../report/result.js';

/** FID, Inception Score, precision and recall over seeds. */
export interface QualitySpread {
  readonly fid: Spread;
  readonly inceptionScore: Spread;
  readonly precision: Spread;
  readonly recall: Spread;
}

/** Spread of each figure over seeds. */
export function qualitySpread(evaluations: readonly Quality[]): QualitySpread {
  const of = (read: (evaluation: Quality) => number) => spreadOf(evaluations.map(read));
  return {
    fid: of(({ fid }) => fid),
    inceptionScore: of(({ inceptionScore }) => inceptionScore),
    precision: of(({ precision }) => precision),
    recall: of(({ recall }) => recall),
  };
}

/** Column heads of the figures. */
export const qualityHead = ['FID', 'IS', 'precision', 'recall'];

/** Cells of the figures. */
export function qualityCells({ fid, inceptionScore, precision, recall }: QualitySpread): string[] {
  return [formatSpread(fid, 2), formatSpread(inceptionScore, 2), formatSpread(precision, 2), formatSpread(recall, 2)];
}

/** Cells of a row of the paper; empty where the paper has no figure. */
export function paperCells(row: PaperQuality | undefined): string[] {
  const cell = (value: number | undefined) => value?.toFixed(2) ?? '';
  return [cell(row?.fid), cell(row?.inceptionScore), cell(row?.precision), cell(row?.recall)];
}

/** Grid of all rows of Table S7 or S8 in the paper. */
export function paperModelTable(models: readonly PaperModel[], pixels: number): Grid {
  return {
    caption: `The paper's figures of all models at ${pixels} px: they take ImageNet`,
    head: ['Model', 'epoch', 'scale', ...qualityHead],
    rows: models.flatMap(({ model, rows }) =>
      rows.map((row) => [`${model}-${pixels}`, `${row.epoch}`, row.guidance.toFixed(2), ...paperCells(row)]),
    ),
  };
}
