import { checkArguments } from './check-arguments.js';
/** The middle of some numbers, of an even count the mean of the two middle ones; NaN of none. */
export function median(values: readonly number[]): number {
  checkArguments('median', { values }, { values: 'number[]' });

  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
