import { formatSeconds } from '@dpar/report';

/** Estimates the remaining time of a run from its estimated cost and the measured speed. */
export class TimeLeft {
  private readonly known = new Set<string>();
  private left: number;
  private computed = { cost: 0, seconds: 0 };

  /**
   * @param planned Processor seconds of the whole run, see estimate.ts.
   * @param cores Assumed to be busy until something was measured.
   */
  constructor(
    planned: number,
    private readonly cores: number,
  ) {
    this.left = planned;
  }

  /** Counts finished work of an earlier run. */
  skip(id: string, cost: number): void {
    if (this.known.has(id)) return;
    this.known.add(id);
    this.left -= cost;
  }

  /** Counts finished work of this run. */
  done(id: string, cost: number, seconds: number): void {
    this.skip(id, cost);
    this.computed = { cost: this.computed.cost + cost, seconds: this.computed.seconds + seconds };
  }

  /** Remaining wall-clock seconds, if the finished work of size `cost` took `seconds`. */
  secondsLeft(cost: number, seconds: number): number {
    const all = { cost: this.computed.cost + cost, seconds: this.computed.seconds + seconds };
    const pace = all.cost > 0 ? all.seconds / all.cost : 1 / this.cores;
    return Math.max(0, this.left - cost) * pace;
  }

  /** Remaining time as a note for a progress bar. */
  during(cost: number, seconds: number): string {
    return `whole run: about ${formatSeconds(this.secondsLeft(cost, seconds))} left`;
  }
}
