/** Outcome of a check. `not run`: the time was up, or the machine lacks what it needs. */
export type Status = 'passed' | 'failed' | 'not run';

/** Result of a check. */
export interface Check {
  /** Part and name, such as `fixtures/llamagen`. */
  readonly name: string;
  readonly status: Status;
  /** Findings, in half a sentence. */
  readonly about: string;
  readonly seconds: number;
  /** Largest deviations, each with its limit. */
  readonly deviations?: readonly Deviation[];
  /** Figures of a benchmark. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Further lines, such as cases that differ. */
  readonly lines?: readonly string[];
  /** Losses by step, on the device and on the CPU. */
  readonly losses?: Readonly<Record<'device' | 'cpu', readonly number[]>>;
}

/** Largest difference from the expected values, and the largest that passes. */
export interface Deviation {
  readonly of: string;
  readonly value: number;
  readonly limit: number;
}

/** Findings of a check, before its name and time are added. */
export type Findings = Omit<Check, 'name' | 'seconds' | 'status'> & { readonly status?: Status };

/** The time of a check was up. */
export class TimeUp extends Error {
  override readonly name = 'TimeUp';
}

/** Time of the whole run. */
export class Budget {
  private readonly end: number;

  constructor(seconds: number) {
    this.end = performance.now() + 1000 * seconds;
  }

  /** Milliseconds that are left, at least 0. */
  get left(): number {
    return Math.max(0, this.end - performance.now());
  }

  /** A part of the time that is left, for a check that must not take it all. */
  share(part: number): Budget {
    return new Budget((part * this.left) / 1000);
  }
}

/**
 * Runs a check. Without a status of its own, it has passed if all deviations are within their limits. An error is a failure;
 * it is not run if the time is up.
 */
export async function runCheck(name: string, budget: Budget, find: () => Promise<Findings>): Promise<Check> {
  if (budget.left === 0) return { name, status: 'not run', about: 'the time was up', seconds: 0 };
  const begin = performance.now();
  const result = await find().catch((error: Error): Findings => {
    return { status: error instanceof TimeUp ? 'not run' : 'failed', about: error.message };
  });
  const { deviations = [], status = deviations.every(({ value, limit }) => value <= limit) ? 'passed' : 'failed' } =
    result;
  return { name, ...result, status, seconds: (performance.now() - begin) / 1000 };
}
