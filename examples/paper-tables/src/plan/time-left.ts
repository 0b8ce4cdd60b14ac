import { formatSeconds } from '@dpar/report';

/** Estimates the time that is left from what the whole run should cost and how quickly the machine gets on. */
export class TimeLeft {
  private readonly known = new Set<string>();
  private left: number;
  private computed = { cost: 0, seconds: 0 };

  /**
   * @param planned Processor seconds of the whole run, see costs.ts.
   * @param cores How many are shared among them until something was measured.
   */
  constructor(
    planned: number,
    private readonly cores: number,
  ) {
    this.left = planned;
  }

  /** Something was there already. */
  skip(id: string, cost: number): void {
    if (this.known.has(id)) return;
    this.known.add(id);
    this.left -= cost;
  }

  /** Something was made. */
  done(id: string, cost: number, seconds: number): void {
    this.skip(id, cost);
    this.computed = { cost: this.computed.cost + cost, seconds: this.computed.seconds + seconds };
  }

  /** Wall-clock seconds left while something has come as far as `cost`. */
  secondsLeft(cost: number, seconds: number): number {
    const all = { cost: this.computed.cost + cost, seconds: this.computed.seconds + seconds };
    const pace = all.cost > 0 ? all.seconds / all.cost : 1 / this.cores;
    return Math.max(0, this.left - cost) * pace;
  }

  /** The same in words. */
  during(cost: number, seconds: number): string {
    return `whole run: about ${formatSeconds(this.secondsLeft(cost, seconds))} left`;
  }
}
