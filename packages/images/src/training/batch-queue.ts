import { checkArguments } from '../check-arguments.js';

/**
 * Loads the batches of steps ahead of time. When a batch is taken, the next ones are requested, so that a worker thread can
 * load them while the step runs.
 */
export class BatchQueue<B> {
  private readonly pending = new Map<number, Promise<B>>();

  /**
   * @param load Starts to load the batch of a step.
   * @param ahead Number of batches that are requested beyond the one that is taken.
   * @param steps Number of steps of the run. Later steps have no batch.
   */
  constructor(
    private readonly load: (step: number) => Promise<B>,
    private readonly ahead: number,
    private readonly steps: number,
  ) {
    checkArguments('BatchQueue', { load, ahead, steps }, { load: 'function', ahead: 'number', steps: 'number' });
  }

  /** Batch of a step, counted from 0. @throws The error of its loading. */
  take(step: number): Promise<B> {
    checkArguments('BatchQueue.take', { step }, { step: 'number' });
    const end = Math.min(step + this.ahead, this.steps - 1);
    for (const other of this.pending.keys()) if (other < step || other > end) this.pending.delete(other);
    const taken = this.start(step);
    for (let next = step + 1; next <= end; next++) this.start(next);
    // A failed batch is loaded again if the step is retried.
    this.pending.delete(step);
    return taken;
  }

  private start(step: number): Promise<B> {
    const known = this.pending.get(step);
    if (known !== undefined) return known;
    const batch = this.load(step);
    // A failure belongs to the step that takes the batch, maybe much later or never.
    batch.catch(() => {});
    this.pending.set(step, batch);
    return batch;
  }
}
