import type { Grid, TableName, TableResult } from './result.js';

/** A paragraph that several tables have in common. */
export interface SharedText {
  readonly text: string;
  readonly names: readonly TableName[];
}

/** Paragraphs that several tables have in common, in order of first use. A report shows each once. */
export function sharedTexts(results: readonly TableResult[]): SharedText[] {
  const texts = new Set(results.flatMap(({ about }) => about));
  return [...texts]
    .map((text) => ({ text, names: results.filter(({ about }) => about.includes(text)).map(({ name }) => name) }))
    .filter(({ names }) => names.length > 1);
}

/** Paragraphs of one table. */
export function ownTexts({ about }: TableResult, shared: readonly SharedText[]): string[] {
  return about.filter((text) => shared.every((other) => other.text !== text));
}

/** Grids that have rows, without columns of empty cells. */
export function filledGrids(grids: readonly Grid[]): Grid[] {
  return grids
    .filter(({ rows }) => rows.length > 0)
    .map(({ head, rows, ...caption }) => {
      const isFilled = head.map((_, column) => rows.some((cells) => cells[column] !== ''));
      const kept = (cells: readonly string[]): string[] => cells.filter((_, column) => isFilled[column]);
      return { ...caption, head: kept(head), rows: rows.map(kept) };
    });
}
