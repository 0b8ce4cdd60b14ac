import type { StageSeconds } from './options.js';

/** Adds up the seconds of named pieces of work. */
export class Stopwatch {
  private readonly totals: Record<string, number> = {};

  /** What was measured so far. */
  get seconds(): StageSeconds {
    return { ...this.totals };
  }

  /** Runs a piece of work and adds its time to that of `stage`. */
  async time<V>(stage: string, work: () => V | Promise<V>): Promise<V> {
    const begun = performance.now();
    const result = await work();
    this.totals[stage] = (this.totals[stage] ?? 0) + (performance.now() - begun) / 1000;
    return result;
  }
}
