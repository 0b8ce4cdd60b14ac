/** A number for JSON: null in place of NaN and infinity, which JSON cannot hold. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** A number with a fixed number of decimals. A value that rounds to 0 has no sign. */
export function formatFixed(value: number, decimals: number): string {
  return value.toFixed(decimals).replace(/^-(0(\.0*)?)$/, '$1');
}
