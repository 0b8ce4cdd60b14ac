import { type Spread, spreadOf } from '@dpar/example-kit';
import type { Test, VariantResult } from '../experiment.js';
import type { Size } from '../variants.js';

/** Results of one kind of test over all seeds. */
export interface TestSummary {
  readonly size: Size;
  readonly asTrained: boolean;
  /** Percent. */
  readonly accuracy: Spread;
  readonly meanTokens: number;
}

/** A row of the comparison. */
export interface Summary {
  readonly name: string;
  readonly merged: boolean;
  readonly trainTokens: number;
  readonly cpuSeconds: Spread;
  /** Cross-entropy at the end of training, nats. */
  readonly loss: Spread;
  readonly tests: readonly TestSummary[];
}

/** Means and spread of a variant over seeds. */
export function summarize({ variant: { name, merged }, runs }: VariantResult): Summary {
  const [first] = runs;
  return {
    name,
    merged,
    trainTokens: spreadOf(runs.map(({ trainTokens }) => trainTokens)).mean,
    cpuSeconds: spreadOf(runs.map(({ cpuSeconds }) => cpuSeconds)),
    loss: spreadOf(runs.map(({ finalLoss }) => finalLoss)),
    tests: (first?.tests ?? []).map(({ size, asTrained }, i) => {
      const tests = runs.map((run) => run.tests[i] as Test);
      return {
        size,
        asTrained,
        accuracy: spreadOf(tests.map(({ accuracy }) => 100 * accuracy)),
        meanTokens: spreadOf(tests.map(({ meanTokens }) => meanTokens)).mean,
      };
    }),
  };
}
