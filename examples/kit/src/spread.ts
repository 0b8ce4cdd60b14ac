/** Values of several seeds. */
export interface Spread {
  readonly values: readonly number[];
  readonly mean: number;
  /** Standard deviation with n - 1; NaN for a single value. */
  readonly deviation: number;
}

/** Mean and standard deviation. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { values, mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : Number.NaN };
}

/** `1.234 ± 0.012` with spaces that do not break; the mean without a deviation for a single value. */
export function formatSpread({ mean, deviation }: Spread, digits: number): string {
  if (Number.isNaN(deviation)) return mean.toFixed(digits);
  return `${mean.toFixed(digits)}\u00a0±\u00a0${deviation.toFixed(digits)}`;
}

/** Difference of two means. */
export interface Difference {
  readonly mean: number;
  /** Standard error of the mean. */
  readonly standardError: number;
  /** True if the difference is larger than two standard errors. */
  readonly clear: boolean;
}

/** Difference b - a, paired by seed, so that effects of a seed on both cancel. */
export function differenceOf(a: Spread, b: Spread): Difference {
  const pairs = spreadOf(b.values.map((value, i) => value - (a.values[i] as number)));
  const standardError = pairs.deviation / Math.sqrt(pairs.values.length);
  return { mean: pairs.mean, standardError, clear: Math.abs(pairs.mean) > 2 * standardError };
}
