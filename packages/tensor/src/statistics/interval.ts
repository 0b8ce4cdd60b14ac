import { checkArguments } from '../check-arguments.js';
import { DparError } from '../error.js';

/** Where a quantity lies with some confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** How often such intervals contain the quantity, such as 0.95. */
  readonly level: number;
}

/**
 * Checks a confidence level.
 * @param caller Name for the message.
 * @returns The shares of the two ends, such as 0.025 and 0.975.
 * @throws DparError if the level is not between 0 and 1.
 */
export function confidenceShares(caller: string, level: number): [number, number] {
  checkArguments('confidenceShares', { caller, level }, { caller: 'string', level: 'number' });

  if (!(level > 0 && level < 1)) {
    throw new DparError(`${caller}: expected a confidence level between 0 and 1, got ${level}. 0.95 is usual.`);
  }
  return [(1 - level) / 2, (1 + level) / 2];
}
