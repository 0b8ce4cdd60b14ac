import { differenceOf, type Spread } from '@dpar/example-kit';
import type { Finding } from '../report/result.js';

/**
 * Finding whether a figure changes in the same direction here as in the paper, from the first to the last common setting.
 * It is open if the change is below two standard errors, or with a single seed.
 * @param change Name of the change, such as 'From scale 1.75 to 2.1'.
 */
export function compareTrend(
  change: string,
  what: string,
  paper: readonly [number, number],
  [first, last]: readonly [Spread, Spread],
  digits: number,
): Finding {
  const way = (from: number, to: number) => (to < from ? 'falls' : to > from ? 'rises' : 'stays');
  const range = (from: number, to: number) => `${from.toFixed(digits)} to ${to.toFixed(digits)}`;
  const here = [first.mean, last.mean] as const;
  const several = first.values.length > 1;
  const sure = several && differenceOf(first, last).clear;
  const doubt = several ? ', within two standard errors' : ', of one seed';
  return {
    agrees: sure ? way(...paper) === way(...here) : undefined,
    covered: several && !sure,
    text: `${change}, ${what} ${way(...paper)} in the paper (${range(...paper)}) and ${way(...here)} here (${range(...here)}${sure ? '' : doubt}).`,
  };
}
