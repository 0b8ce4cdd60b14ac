import type { Finding } from '../report/result.js';

/**
 * Whether a figure goes the same way here as in the paper, from the first to the last of the settings that both have.
 * @param change Names what grows, such as 'From scale 1.75 to 2.1'.
 */
export function compareTrend(
  change: string,
  what: string,
  paper: readonly [number, number],
  ours: readonly [number, number],
  digits: number,
): Finding {
  const way = ([first, last]: readonly [number, number]) => (last < first ? 'falls' : last > first ? 'rises' : 'stays');
  const range = ([first, last]: readonly [number, number]) => `${first.toFixed(digits)} to ${last.toFixed(digits)}`;
  return {
    agrees: way(paper) === way(ours),
    text: `${change}, ${what} ${way(paper)} in the paper (${range(paper)}) and ${way(ours)} here (${range(ours)}).`,
  };
}
