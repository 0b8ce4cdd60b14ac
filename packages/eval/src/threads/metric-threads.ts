import { availableThreads } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import {
  type FrechetExtrapolation,
  type FrechetExtrapolationOptions,
  planFrechetExtrapolation,
} from '../frechet-extrapolation.js';
import { type FrechetInterval, type FrechetIntervalOptions, planFrechetInterval } from '../frechet-interval.js';
import { type KernelDistance, type KernelDistanceOptions, planKernelDistance } from '../kernel-distance.js';
import type { Matrix } from '../matrix.js';
import { type PrecisionRecall, type PrecisionRecallOptions, planPrecisionRecall } from '../precision-recall.js';
import type { FeatureStatistics } from '../statistics.js';
import { startJobThreads } from './job-threads.js';

/** The metrics that take long, in threads: the same results to the bit. Those of several calls may go on at a time. */
export interface MetricThreads {
  /** As the function `precisionRecall`. */
  precisionRecall(reference: Matrix, samples: Matrix, options?: PrecisionRecallOptions): Promise<PrecisionRecall>;
  /** As the function `kernelDistance`. */
  kernelDistance(reference: Matrix, samples: Matrix, options?: KernelDistanceOptions): Promise<KernelDistance>;
  /** As the function `frechetInterval`. */
  frechetInterval(
    reference: FeatureStatistics,
    samples: Matrix,
    options?: FrechetIntervalOptions,
  ): Promise<FrechetInterval>;
  /** As the function `frechetExtrapolation`. */
  frechetExtrapolation(
    reference: FeatureStatistics,
    samples: Matrix,
    options?: FrechetExtrapolationOptions,
  ): Promise<FrechetExtrapolation>;
  /** Ends the threads. They do not keep the process alive. */
  close(): Promise<void>;
}

/**
 * Starts threads for metrics.
 * @param count How many; by default `availableThreads()`: the cores that affinity, Slurm and quotas leave.
 * @throws DparError if the number is not 1 or more.
 */
export function startThreads(count = availableThreads()): MetricThreads {
  checkArguments('startThreads', { count }, { 'count?': 'number' });

  const threads = startJobThreads(count);
  return {
    precisionRecall: async (reference, samples, options = {}) =>
      threads.run(planPrecisionRecall(reference, samples, options)),
    kernelDistance: async (reference, samples, options = {}) =>
      threads.run(planKernelDistance(reference, samples, options)),
    frechetInterval: async (reference, samples, options = {}) =>
      threads.run(planFrechetInterval(reference, samples, options)),
    frechetExtrapolation: async (reference, samples, options = {}) =>
      threads.run(planFrechetExtrapolation(reference, samples, options)),
    close: () => threads.close(),
  };
}
