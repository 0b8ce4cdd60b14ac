import { symmetricEigenvalues } from './eigenvalues.js';
import { blockProducts, type Rows } from './kernels/products.js';

/** A part of a metric's arithmetic that takes long and can be done anywhere. */
export type Job =
  | {
      readonly kind: 'products';
      /** Blocks as {@link blockProducts} takes them. */
      readonly a: Rows;
      readonly b: Rows;
      readonly columns: number;
      /** Only the part at and below the diagonal is needed. */
      readonly lower: boolean;
    }
  | {
      readonly kind: 'eigenvalues';
      /** Symmetric [size, size]. */
      readonly matrix: Float64Array;
      readonly size: number;
    };

/** A job, and what is done with its result in the thread that planned it. */
export interface Task {
  readonly job: Job;
  take(result: Float64Array): void;
}

/**
 * A metric as it is computed: in stages, whose tasks are made when they are needed, in order, and may end in any order. A
 * stage begins when the one before has ended.
 */
export interface Plan<R> {
  readonly stages: readonly (() => Iterable<Task>)[];
  /** After all stages. */
  result(): R;
}

/** Does a job: the products [n, m], or the eigenvalues [size]. */
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
