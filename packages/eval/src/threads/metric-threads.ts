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

/** Threads that compute the expensive metrics, bit-identical to the functions. Several calls may run at a time. */
export interface MetricThreads {
  /** Same as the function `precisionRecall`. */
  precisionRecall(reference: Matrix, samples: Matrix, options?: PrecisionRecallOptions): Promise<PrecisionRecall>;
  /** Same as the function `kernelDistance`. */
  kernelDistance(reference: Matrix, samples: Matrix, options?: KernelDistanceOptions): Promise<KernelDistance>;
  /** Same as the function `frechetInterval`. */
  frechetInterval(
    reference: FeatureStatistics,
    samples: Matrix,
    options?: FrechetIntervalOptions,
  ): Promise<FrechetInterval>;
  /** Same as the function `frechetExtrapolation`. */
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
 * @param count Number of threads. Default: `availableThreads()`, the cores that affinity, Slurm and quotas allow.
 * @throws DparError if the number is not 1 or more.
 */
export function createMetricThreads(count = availableThreads()): MetricThreads {
  checkArguments('createMetricThreads', { count }, { 'count?': 'number' });
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
