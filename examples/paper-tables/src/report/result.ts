import type { Chart } from '@dpar/report';
import type { WorkTime } from '../lab/work.js';

/** Names of the tables, in the order of the report. */
export const tableNames = [
  's1',
  's2',
  's3',
  's4',
  's5',
  's6',
  '1.8',
  's7',
  's8',
  's9',
  'larger-patches',
  'boundary-head',
  'emoji',
] as const;
export type TableName = (typeof tableNames)[number];

/** Cells with their heads. */
export interface Grid {
  readonly caption?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A result beside the paper's. */
export interface Finding {
  /** True if it agrees with the paper; undefined if this is open. */
  readonly agrees: boolean | undefined;
  /** True if the spread over seeds covers the difference, so that none was seen. */
  readonly covered?: boolean;
  readonly text: string;
}

/** A reproduced table of the supplement, as JSON. */
export interface TableResult {
  readonly name: TableName;
  readonly title: string;
  /** `exact`: arithmetic, as in the paper. `scaled`: at the scale of emoji. `both`: parts of each. */
  readonly basis: 'exact' | 'scaled' | 'both';
  /** Paragraphs of explanation. */
  readonly about: readonly string[];
  readonly tables: readonly Grid[];
  readonly charts: readonly Chart[];
  readonly findings: readonly Finding[];
  /** Times of everything that was computed for it, in this run or earlier. */
  readonly work: readonly WorkTime[];
}

/** Part of the result that a table makes itself. */
export type TableContent = Omit<TableResult, 'name' | 'work'>;

/** Machine, command and date of a report. */
export interface RunRecord {
  readonly machine: string;
  readonly engine: string;
  readonly command: string;
  readonly seeds: readonly number[];
  /** Day of the end of the run, such as `2026-11-24`. */
  readonly date: string;
}
