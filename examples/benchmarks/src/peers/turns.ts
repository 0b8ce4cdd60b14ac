import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '@dpar/report';
import { secondsOf } from '../benchmark.js';

/** Work that can be timed. @param repeat Number of runs. @returns Seconds of one. */
export type Timed = (repeat: number) => Promise<number>;

/** Our own work, in this process. */
export function timed(work: () => unknown): Timed {
  return async (repeat) => {
    const seconds = await secondsOf(async () => {
      for (let i = 0; i < repeat; i++) await work();
    });
    return seconds / repeat;
  };
}

/** Milliseconds between two measurements, so that the threads of the first go to sleep. */
const pause = 200;

/** Times of one peer beside ours. */
export interface Times {
  readonly seconds: { readonly ours: number; readonly peer: number };
  /** Median over the rounds of the peer's time over ours. */
  readonly ratio: number;
}

/**
 * Measures our work and that of peers in turn, round by round, after a run of each to warm up. Ratios compare figures of the same round.
 * @param options `least`: seconds of a measurement; shorter work is repeated.
 * @returns The times of each peer, or the message of its error.
 */
export async function takeTurns(
  ours: Timed,
  peers: ReadonlyMap<string, Timed>,
  { rounds, least }: { readonly rounds: number; readonly least: number },
): Promise<ReadonlyMap<string, Times | string>> {
  const results = new Map<string, Times | string>();
  const running = new Map<string, { readonly work: Timed; readonly repeat: number; readonly seconds: number[] }>();
  const own = { work: ours, repeat: await repeatsOf(ours, least), seconds: [] as number[] };
  for (const [name, work] of peers) {
    try {
      running.set(name, { work, repeat: await repeatsOf(work, least), seconds: [] });
    } catch (error) {
      results.set(name, messageOf(error));
    }
  }
  for (let round = 0; round < rounds; round++) {
    await sleep(pause);
    own.seconds.push(await own.work(own.repeat));
    for (const [name, { work, repeat, seconds }] of running) {
      await sleep(pause);
      try {
        seconds.push(await work(repeat));
      } catch (error) {
        running.delete(name);
        results.set(name, messageOf(error));
      }
    }
  }
  for (const [name, { seconds }] of running) {
    const ratio = median(seconds.map((value, round) => value / (own.seconds[round] ?? Number.NaN)));
    results.set(name, { seconds: { ours: median(own.seconds), peer: median(seconds) }, ratio });
  }
  return results;
}

/** Runs work twice, first to compile what it compiles. @returns Repetitions that last long enough. */
async function repeatsOf(work: Timed, least: number): Promise<number> {
  await work(1);
  return Math.max(1, Math.ceil(least / (await work(1))));
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`);
