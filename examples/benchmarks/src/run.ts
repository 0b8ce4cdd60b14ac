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
 * Runs benchmarks, each in its own process. Benchmarks of a group take turns with one another and with those that they use,
 * if the memory suffices.
 * @returns Their figures. Benchmarks that fail are reported and left out.
 */
export async function runBenchmarks(selected: readonly Benchmark[], settings: RunSettings): Promise<BenchmarkResult[]> {
  const groups = groupsOf(selected, settings);
  const kept = new Map<Benchmark, BenchmarkProcess>();
  const measured = new Map<Benchmark, BenchmarkProcess>();
  const bytesOf = (benchmark: Benchmark): number => (kept.has(benchmark) ? 0 : (benchmark.memoryBytes ?? 0));
  try {
    for (const [i, group] of groups.entries()) {
      const later = new Set(groups.slice(i + 1).flatMap(({ all }) => all));
      for (const turn of turnsOf(group, bytesOf, availableBytes(), settings.report)) {
        let failed = false;
        try {
          for (const done of await takeTurns(group, turn, kept, settings)) measured.set(done.benchmark, done);
        } catch (error) {
          failed = true;
          settings.report(`${group.name}: ${error instanceof Error ? error.message : error}`);
        }
        await stopAll(kept, (benchmark) => failed || !later.has(benchmark));
      }
    }
  } finally {
    await stopAll(kept, () => true);
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

/** Benchmarks that take turns. */
interface Group {
  readonly name: string;
  /** Selected ones and those that they use. */
  readonly all: readonly Benchmark[];
  /** Those that are selected. */
  readonly selected: readonly Benchmark[];
  /** Most measurements of a selected one. */
  readonly rounds: number;
}

function groupsOf(selected: readonly Benchmark[], settings: RunSettings): Group[] {
  return [...new Set(selected.map(({ group }) => group))].map((name) => {
    const members = selected.filter(({ group }) => group === name);
    const all = [...new Set([...members.flatMap(({ uses = [] }) => uses), ...members])];
    return { name, all, selected: members, rounds: Math.max(...members.map((member) => roundsOf(member, settings))) };
  });
}

function roundsOf({ maxRounds = Number.POSITIVE_INFINITY }: Benchmark, { rounds }: RunSettings): number {
  return Math.min(maxRounds, rounds);
}

/**
 * Benchmarks of a group that run at the same time: all, or one after another if their memory does not suffice for all.
 * Those that do not fit at all are left out.
 * @param bytesOf Bytes that a benchmark still needs.
 * @param available Bytes of memory that are there.
 */
export function turnsOf(
  { name, all }: Pick<Group, 'name' | 'all'>,
  bytesOf: (benchmark: Benchmark) => number,
  available: number,
  report: RunSettings['report'],
): (readonly Benchmark[])[] {
  const fitting = all.filter((benchmark) => {
    const needed = bytesOf(benchmark);
    if (needed <= available) return true;
    report(
      `${benchmark.name}: left out, it needs ${formatGiB(needed)} of memory and there are ${formatGiB(available)}`,
    );
    return false;
  });
  if (fitting.reduce((sum, benchmark) => sum + bytesOf(benchmark), 0) <= available) return [fitting];
  report(`${name}: one after another, the memory does not suffice for all at the same time`);
  return fitting.map((benchmark) => [benchmark]);
}

/**
 * Measures benchmarks in turn.
 * @param kept Processes that are ready. Those of this call are added.
 */
async function takeTurns(
  { name, selected, rounds }: Group,
  benchmarks: readonly Benchmark[],
  kept: Map<Benchmark, BenchmarkProcess>,
  settings: RunSettings,
): Promise<BenchmarkProcess[]> {
  const running: BenchmarkProcess[] = [];
  for (const benchmark of benchmarks) {
    const known = kept.get(benchmark);
    if (known === undefined) settings.report(`${benchmark.name}: setting up`);
    const pytorch = settings.pytorch && selected.includes(benchmark);
    const started = known ?? (await BenchmarkProcess.start(benchmark, { ...settings, pytorch }));
    running.push(started);
    kept.set(benchmark, started);
  }
  for (let round = 0; round < rounds; round++) {
    settings.report(`${name}: round ${round + 1} of ${rounds}`);
    for (const one of running) {
      if (round >= roundsOf(one.benchmark, settings)) continue;
      await sleep(pause);
      await one.measure();
    }
  }
  return running;
}

/** Ends processes. @param ends True for those that are to end. */
async function stopAll(kept: Map<Benchmark, BenchmarkProcess>, ends: (benchmark: Benchmark) => boolean): Promise<void> {
  const ending = [...kept].filter(([benchmark]) => ends(benchmark));
  for (const [benchmark] of ending) kept.delete(benchmark);
  await Promise.all(ending.map(([, process]) => process.stop()));
}

const formatGiB = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
