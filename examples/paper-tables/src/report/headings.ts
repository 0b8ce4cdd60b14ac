import type { Finding, TableName, TableResult } from './result.js';

const labels: Partial<Record<TableName, string>> = {
  '1.8': 'Section 1.8',
  'larger-patches': 'Inference',
  'boundary-head': 'Boundary head',
  emoji: 'Shipped model',
};

/** `Table S1`, `Section 1.8`, `Inference`. */
export function labelOf(name: TableName): string {
  return labels[name] ?? `Table ${name.toUpperCase()}`;
}

/** Texts on the basis of a table's figures. */
export const basisTexts: Readonly<Record<TableResult['basis'], string>> = {
  exact: 'Exact: arithmetic, as in the paper.',
  scaled: 'Scaled down to emoji.',
  both: 'Scaled down to emoji; exact where it says so.',
};

/** Mark of a finding. */
export function markOf({ agrees, covered = false }: Finding): string {
  if (agrees === undefined) return covered ? 'no difference seen' : 'open';
  if (covered && agrees) return 'no difference seen, as in the paper';
  return agrees ? 'as in the paper' : 'not as in the paper';
}

/** Findings that do not agree with the paper, with their tables. */
export function disagreements(results: readonly TableResult[]): { table: string; text: string }[] {
  return results.flatMap(({ name, findings }) =>
    findings.filter(({ agrees }) => agrees === false).map(({ text }) => ({ table: labelOf(name), text })),
  );
}
