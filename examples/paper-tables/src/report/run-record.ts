/** How a report came about. */
export interface RunRecord {
  readonly machine: string;
  readonly engine: string;
  readonly command: string;
  readonly seeds: readonly number[];
  /** Day on which it was finished, such as `2026-11-24`. */
  readonly date: string;
}
