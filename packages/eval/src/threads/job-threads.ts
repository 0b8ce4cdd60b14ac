import { Worker } from 'node:worker_threads';
import { DparError } from '@dpar/tensor';
import { doJob, type Job, type Plan } from '../jobs.js';

/**
 * The program of the threads, which lies beside this module once it is built. There is none beside its source, which tests
 * run: jobs are then done in this thread.
 */
const builtProgram = import.meta.url.endsWith('.ts') ? undefined : new URL('./job-worker.js', import.meta.url);

/** Tasks that are made ahead of each thread's current one, so that it does not wait for the next. */
const ahead = 1;

/** Threads that do the jobs of plans. */
export interface JobThreads {
  /** Computes a metric. @throws DparError if a thread ends. */
  run<R>(plan: Plan<R>): Promise<R>;
  /** Ends the threads; work under way fails. */
  close(): Promise<void>;
}

/**
 * Starts threads.
 * @param count How many.
 * @param program Their program; `undefined` for none.
 */
export function startJobThreads(count: number, program: URL | undefined = builtProgram): JobThreads {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new DparError(`startThreads: expected 1 or more threads, got ${count}. Leave it out for the default.`);
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

/** One thread, which does its jobs in the order in which it gets them. */
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
    this.worker.on('exit', () => this.fail('the end of it'));
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

  private fail(what: string): void {
    this.failure ??= new DparError(
      `startThreads: expected a thread that computes, got: ${what}. Start the threads again.`,
    );
    for (const { reject } of this.queue.splice(0)) reject(this.failure);
  }
}
