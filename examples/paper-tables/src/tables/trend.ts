import type { Finding } from '../report/result.js';
import { differenceOf, type Spread } from '../report/spread.js';

/**
 * Whether a figure goes the same way here as in the paper, from the first to the last of the settings that both have; open
 * where it moves by less than two standard errors, or where one seed tells nothing of the spread.
 * @param change Names what grows, such as 'From scale 1.75 to 2.1'.
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
    text: `${change}, ${what} ${way(...paper)} in the paper (${range(...paper)}) and ${way(...here)} here (${range(...here)}${sure ? '' : doubt}).`,
  };
}
