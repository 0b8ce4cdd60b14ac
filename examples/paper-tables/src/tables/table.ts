import type { Lab } from '../lab/lab.js';
import type { Row } from '../recipes.js';
import type { TableContent } from '../report/result.js';
import type { Settings } from '../settings.js';

/** A table of the supplement. */
export interface Table {
  /** Everything that is computed for it; empty if it is arithmetic. */
  rows(settings: Settings): readonly Row[];
  make(lab: Lab): Promise<TableContent>;
}

/** A table that is made from its rows. */
export function tableOf<R extends Row>(
  rows: (settings: Settings) => readonly R[],
  make: (lab: Lab, rows: readonly R[]) => Promise<TableContent>,
): Table {
  return { rows, make: (lab) => make(lab, rows(lab.settings)) };
}
