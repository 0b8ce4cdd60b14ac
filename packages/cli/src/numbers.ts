/** A number for JSON, which knows neither NaN nor infinity: null in their place. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** A number with so many decimals; 0 has no sign, also where it is rounded to 0. */
export function formatFixed(value: number, decimals: number): string {
  return value.toFixed(decimals).replace(/^-(0(\.0*)?)$/, '$1');
}
