import { Worker } from 'node:worker_threads';
import { availableThreads, DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import {
  type FrechetExtrapolation,
  type FrechetExtrapolationOptions,
  planFrechetExtrapolation,
} from './frechet-extrapolation.js';
import { type FrechetInterval, type FrechetIntervalOptions, planFrechetInterval } from './frechet-interval.js';
import { doJob, type Job, type Plan } from './jobs.js';
import { type KernelDistance, type KernelDistanceOptions, planKernelDistance } from './kernel-distance.js';
import type { Matrix } from './matrix.js';
import { type PrecisionRecall, type PrecisionRecallOptions, planPrecisionRecall } from './precision-recall.js';
import type { FeatureStatistics } from './statistics.js';

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

/**
 * Program of the threads, in the same folder as this module once it is built. Without a build, as in tests, this thread does
 * the jobs.
 */
const builtProgram = import.meta.url.endsWith('.ts') ? undefined : new URL('./job-worker.js', import.meta.url);

/** Tasks that are made ahead of each thread's current one, so that threads do not wait. */
const ahead = 1;

/** Threads that do the jobs of plans. */
export interface JobThreads {
  /** Computes a metric. @throws DparError if a thread ends. */
  run<R>(plan: Plan<R>): Promise<R>;
  /** Ends the threads. Running work fails. */
  close(): Promise<void>;
}

/**
 * Starts threads that do jobs.
 * @param count Number of threads.
 * @param program Their program. Undefined: this thread does the jobs.
 */
export function startJobThreads(count: number, program: URL | undefined = builtProgram): JobThreads {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new DparError(
      `createMetricThreads: expected at least 1 thread, got ${count}. Omit the number for the default.`,
    );
  }
  const threads = program === undefined ? [] : Array.from({ length: count }, () => new JobThread(program));
  return {
    async run({ stages, result }) {
      for (const stage of stages) {
        const running = new Set<Promise<void>>();
        for (const { job, take } of stage()) {
          const [first] = [...threads].sort((a, b) => a.waiting - b.waiting);
          if (first === undefined) {
            take(doJob(job));
            continue;
          }
          const done = first.do(job).then(take);
          running.add(done);
          done.then(
            () => running.delete(done),
            () => {},
          );
          if (running.size >= count * (1 + ahead)) await Promise.race(running);
        }
        await Promise.all(running);
      }
      return result();
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

/** A thread that does its jobs in order. */
class JobThread {
  private readonly worker: Worker;
  private readonly queue: { resolve: (result: Float64Array) => void; reject: (error: Error) => void }[] = [];
  private failure: Error | undefined;

  constructor(program: URL) {
    this.worker = new Worker(program);
    this.worker.unref();
    this.worker.on('message', (result: Float64Array) => {
      this.queue.shift()?.resolve(result);
      if (this.waiting === 0) this.worker.unref();
    });
    this.worker.on('error', (error) => this.fail(error.message));
    this.worker.on('exit', () => this.fail('its end'));
  }

  /** Jobs that have not been done. */
  get waiting(): number {
    return this.queue.length;
  }

  do(job: Job): Promise<Float64Array> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.worker.ref();
    return new Promise((resolve, reject) => {
      this.queue.push({ resolve, reject });
      this.worker.postMessage(job);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private fail(reason: string): void {
    this.failure ??= new DparError(
      `createMetricThreads: expected a running thread, got ${reason}. Create the threads again.`,
    );
    for (const { reject } of this.queue.splice(0)) reject(this.failure);
  }
}
