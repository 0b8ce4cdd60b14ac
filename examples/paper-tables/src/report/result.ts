import type { Chart } from '@dpar/report';
import type { WorkTime } from '../lab/work.js';

/** Names of the tables, in the order of the report. */
export const tableNames = ['s1', 's2', 's3', 's4', 's5', 's6', '1.8', 's7', 's8', 's9', 'larger-patches'] as const;
export type TableName = (typeof tableNames)[number];

/** A table of the report. */
export interface Grid {
  readonly caption?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What followed, beside what the paper says. */
export interface Finding {
  /** Whether the paper's figure or order shows here; undefined where it can be neither shown nor refuted. */
  readonly agrees: boolean | undefined;
  readonly text: string;
}

/** A table of the supplement, made again. It is data alone, so that it can be kept as JSON. */
export interface TableResult {
  readonly name: TableName;
  readonly title: string;
  /** `exact`: arithmetic, as in the paper. `scaled`: at the size of emoji. `both`: parts of each. */
  readonly basis: 'exact' | 'scaled' | 'both';
  /** What was done, paragraph by paragraph. */
  readonly about: readonly string[];
  readonly tables: readonly Grid[];
  readonly charts: readonly Chart[];
  readonly findings: readonly Finding[];
  /** What was computed for it and how long that took, in this run or in earlier ones. */
  readonly work: readonly WorkTime[];
}

/** What the makers of tables give; the rest is added by those who call them. */
export type TableContent = Omit<TableResult, 'name' | 'work'>;
