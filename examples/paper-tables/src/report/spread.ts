/** Values of several seeds. */
export interface Spread {
  readonly values: readonly number[];
  readonly mean: number;
  /** Standard deviation with n - 1; NaN of a single value. */
  readonly deviation: number;
}

/** Mean and standard deviation. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { values, mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : Number.NaN };
}

/** `1.234 ± 0.012` on one line; without the second part where there is one value. */
export function formatSpread({ mean, deviation }: Spread, digits: number): string {
  return Number.isNaN(deviation)
    ? mean.toFixed(digits)
    : `${mean.toFixed(digits)}\u00a0±\u00a0${deviation.toFixed(digits)}`;
}

/** How two means differ. */
export interface Difference {
  /** Of b less a, seed by seed where both have the same seeds. */
  readonly mean: number;
  /** Of the mean. */
  readonly standardError: number;
  /** Whether it is larger than two standard errors. */
  readonly clear: boolean;
}

/** Difference b - a, paired by seed: what a seed does to both is left out. */
export function differenceOf(a: Spread, b: Spread): Difference {
  const pairs = spreadOf(b.values.map((value, i) => value - (a.values[i] as number)));
  const standardError = pairs.deviation / Math.sqrt(pairs.values.length);
  return { mean: pairs.mean, standardError, clear: Math.abs(pairs.mean) > 2 * standardError };
}
