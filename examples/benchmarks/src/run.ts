import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, FiguresOf, Settings } from './benchmark.js';
import { availableBytes } from './machine.js';
import { BenchmarkProcess } from './process.js';

/** The figures of one benchmark. */
export interface BenchmarkResult {
  readonly name: string;
  readonly [figure: string]: string | number;
}

/** Settings of a run of several benchmarks. */
export interface RunSettings extends Settings {
  /** Measurements of each benchmark. */
  readonly rounds: number;
  /** Receives a line on the progress. */
  readonly report: (line: string) => void;
}

/** Milliseconds between two measurements, so that the threads of the first go to sleep. */
const pause = 200;

/**
 * Runs benchmarks, each in its own process. Benchmarks of a group take turns with one another and with those that they use.
 * @returns Their figures. Benchmarks that fail are reported and left out.
 */
export async function runBenchmarks(selected: readonly Benchmark[], settings: RunSettings): Promise<BenchmarkResult[]> {
  const yardsticks = new Set(selected.flatMap(({ uses = [] }) => uses));
  const kept = new Map<Benchmark, BenchmarkProcess>();
  const measured = new Map<Benchmark, BenchmarkProcess>();
  try {
    for (const group of new Set(selected.map((benchmark) => benchmark.group))) {
      const members = selected.filter((benchmark) => benchmark.group === group);
      try {
        for (const done of await runGroup(group, members, yardsticks, kept, settings))
          measured.set(done.benchmark, done);
      } catch (error) {
        settings.report(`${group}: ${error instanceof Error ? error.message : error}`);
      }
    }
  } finally {
    await Promise.all([...kept.values()].map((yardstick) => yardstick.stop()));
  }
  const byName = new Map([...measured.values()].map((done) => [done.benchmark.name, done]));
  const figuresOf: FiguresOf = (name) => {
    const done = byName.get(name);
    return done ? done.benchmark.figures(done.samples, figuresOf) : {};
  };
  return selected
    .flatMap((benchmark) => measured.get(benchmark) ?? [])
    .map(({ benchmark: { name, reportsMemory }, peakRssBytes }) => ({
      name,
      ...figuresOf(name),
      ...(reportsMemory && { peakRssBytes }),
    }));
}

/**
 * Measures the members of a group and the benchmarks that they use in turn.
 * @param yardsticks Benchmarks whose processes are kept after the group, in `kept`.
 */
async function runGroup(
  group: string,
  members: readonly Benchmark[],
  yardsticks: ReadonlySet<Benchmark>,
  kept: Map<Benchmark, BenchmarkProcess>,
  settings: RunSettings,
): Promise<BenchmarkProcess[]> {
  const used = new Set(members.flatMap(({ uses = [] }) => uses));
  const all = [...new Set([...used, ...members])];
  const needed = all.reduce((sum, one) => sum + (kept.has(one) ? 0 : (one.memoryBytes ?? 0)), 0);
  const available = availableBytes();
  if (needed > available) {
    settings.report(
      `${group}: left out, it needs ${formatGiB(needed)} of memory and there are ${formatGiB(available)}`,
    );
    return [];
  }
  const roundsOf = ({ maxRounds = settings.rounds }: Benchmark): number => Math.min(maxRounds, settings.rounds);
  const rounds = Math.max(...members.map(roundsOf));
  const running: BenchmarkProcess[] = [];
  try {
    for (const benchmark of all) {
      const known = kept.get(benchmark);
      if (known === undefined) settings.report(`${benchmark.name}: setting up`);
      const started = known ?? (await BenchmarkProcess.start(benchmark, settings));
      running.push(started);
      if (yardsticks.has(benchmark)) kept.set(benchmark, started);
    }
    for (let round = 0; round < rounds; round++) {
      settings.report(`${group}: round ${round + 1} of ${rounds}`);
      for (const one of running) {
        if (round >= roundsOf(one.benchmark)) continue;
        await sleep(pause);
        await one.measure();
      }
    }
    return running;
  } finally {
    await Promise.all(running.filter(({ benchmark }) => !kept.has(benchmark)).map((one) => one.stop()));
  }
}

const formatGiB = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
