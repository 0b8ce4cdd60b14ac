import type { Batch } from './token-set.js';

/**
 * Loads the batches of steps ahead of time: when a batch is taken, those of the next steps are asked for, so that what
 * loads them elsewhere (a worker thread) can do so while the step runs.
 */
export class BatchQueue {
  private readonly pending = new Map<number, Promise<Batch>>();

  /**
   * @param load Starts to load the batch of a step.
   * @param ahead How many batches are asked for beyond the one that is taken.
   * @param steps Steps of the run: there is no batch from this one on.
   */
  constructor(
    private readonly load: (step: number) => Promise<Batch>,
    private readonly ahead: number,
    private readonly steps: number,
  ) {}

  /** The batch of a step, counted from 0. @throws What loading it throws. */
  take(step: number): Promise<Batch> {
    const end = Math.min(step + this.ahead, this.steps - 1);
    for (const other of this.pending.keys()) if (other < step || other > end) this.pending.delete(other);
    const taken = this.start(step);
    for (let next = step + 1; next <= end; next++) this.start(next);
    // A batch that failed is loaded anew if the step is tried again.
    this.pending.delete(step);
    return taken;
  }

  private start(step: number): Promise<Batch> {
    const known = this.pending.get(step);
    if (known !== undefined) return known;
    const batch = this.load(step);
    // A failure belongs to the step that takes the batch, which may come much later or never.
    batch.catch(() => {});
    this.pending.set(step, batch);
    return batch;
  }
}
