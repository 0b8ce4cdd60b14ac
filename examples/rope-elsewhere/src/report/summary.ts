import type { Test, VariantResult } from '../experiment.js';
import type { Size } from '../variants.js';

/** Mean over seeds and standard deviation between them (0 for one seed). */
export interface Figure {
  readonly mean: number;
  readonly deviation: number;
}

/** What one kind of test gave, over all seeds. */
export interface TestSummary {
  readonly size: Size;
  readonly asTrained: boolean;
  /** In per cent. */
  readonly accuracy: Figure;
  readonly meanTokens: number;
}

/** A line of the comparison. */
export interface Summary {
  readonly name: string;
  readonly merged: boolean;
  readonly trainTokens: number;
  readonly cpuSeconds: Figure;
  /** Cross-entropy at the end of training, nats. */
  readonly loss: Figure;
  readonly tests: readonly TestSummary[];
}

export function summarize({ variant: { name, merged }, runs }: VariantResult): Summary {
  const [first] = runs;
  return {
    name,
    merged,
    trainTokens: figure(runs.map(({ trainTokens }) => trainTokens)).mean,
    cpuSeconds: figure(runs.map(({ cpuSeconds }) => cpuSeconds)),
    loss: figure(runs.map(({ finalLoss }) => finalLoss)),
    tests: (first?.tests ?? []).map(({ size, asTrained }, i) => {
      const tests = runs.map((run) => run.tests[i] as Test);
      return {
        size,
        asTrained,
        accuracy: figure(tests.map(({ accuracy }) => 100 * accuracy)),
        meanTokens: figure(tests.map(({ meanTokens }) => meanTokens)).mean,
      };
    }),
  };
}

function figure(values: readonly number[]): Figure {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}
