import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Learning rate of each step, counted from 0. */
export type Schedule = (step: number) => number;

/** @throws DparError naming `caller` for a schedule that is not a function, such as a learning rate. */
export function checkSchedule(caller: string, schedule: unknown): void {
  if (schedule === undefined || typeof schedule === 'function') return;
  throw new DparError(`${caller}: expected a schedule, got ${schedule}. Pass constantSchedule(${schedule}).`);
}

/** The same learning rate at every step, as in the paper. */
export function constantSchedule(learningRate: number): Schedule {
  checkArguments('constantSchedule', { learningRate }, { learningRate: 'number' });

  return () => learningRate;
}

/** Options of {@link cosineSchedule}. */
export interface CosineScheduleOptions {
  /** The highest learning rate. */
  readonly learningRate: number;
  /** Number of steps of the run. */
  readonly steps: number;
  /** Number of first steps in which the learning rate grows linearly (default 0). */
  readonly warmupSteps?: number;
  /** Learning rate at the end, as a fraction of the highest (default 0). */
  readonly finalFraction?: number;
}

const cosineScheduleOptionsKinds: KindsOf<CosineScheduleOptions> = {
  learningRate: 'number',
  steps: 'number',
  'warmupSteps?': 'number',
  'finalFraction?': 'number',
};

/**
 * Linear warm-up, then half a cosine wave down. Step s of the warm-up has learningRate * (s + 1) / warmupSteps. The full
 * rate is at `warmupSteps`, and `finalFraction` of it at `steps` and later.
 * @throws DparError if the warm-up is not shorter than the run.
 */
export function cosineSchedule(options: CosineScheduleOptions): Schedule {
  checkArguments('cosineSchedule', { options }, { options: cosineScheduleOptionsKinds });

  const { learningRate, steps, warmupSteps = 0, finalFraction = 0 } = options;
  if (!(warmupSteps >= 0 && warmupSteps < steps)) {
    throw new DparError(
      `cosineSchedule: expected warmupSteps from 0 to ${steps - 1}, got ${warmupSteps}. Warm up for fewer steps.`,
    );
  }
  return (step) => {
    if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
    const progress = Math.min(1, (step - warmupSteps) / (steps - warmupSteps));
    const wave = (1 + Math.cos(Math.PI * progress)) / 2;
    return learningRate * (finalFraction + (1 - finalFraction) * wave);
  };
}
