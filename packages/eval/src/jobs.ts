import { symmetricEigenvalues } from './eigenvalues.js';
import { blockProducts, type Rows } from './kernels/products.js';

/** An expensive part of a metric's arithmetic, which any thread can do. */
export type Job =
  | {
      readonly kind: 'products';
      /** Arguments of {@link blockProducts}. */
      readonly a: Rows;
      readonly b: Rows;
      readonly columns: number;
      readonly lower: boolean;
    }
  | {
      readonly kind: 'eigenvalues';
      /** Symmetric [size, size]. */
      readonly matrix: Float64Array;
      readonly size: number;
    };

/** A job, and the use of its result in the thread that planned it. */
export interface Task {
  readonly job: Job;
  take(result: Float64Array): void;
}

/**
 * Computation of a metric in stages. A stage starts after the previous one has ended. Its tasks are made in order on demand,
 * and may end in any order.
 */
export interface Plan<R> {
  readonly stages: readonly (() => Iterable<Task>)[];
  /** Returns the metric after all stages. */
  result(): R;
}

/** Does a job. @returns The products [n, m], or the eigenvalues [size]. */
export function doJob(job: Job): Float64Array {
  return job.kind === 'products'
    ? blockProducts(job.a, job.b, job.columns, job.lower)
    : symmetricEigenvalues(job.matrix, job.size);
}

/** Computes a metric in this thread. */
export function runPlan<R>({ stages, result }: Plan<R>): R {
  for (const stage of stages) for (const { job, take } of stage()) take(doJob(job));
  return result();
}
