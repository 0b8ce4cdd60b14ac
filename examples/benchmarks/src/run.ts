import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Settings } from './benchmark.js';
import { gemmPeak } from './benchmarks/gemm-peak.js';
import { availableBytes } from './machine.js';
import { BenchmarkProcess } from './process.js';

/** The figures of one benchmark. */
export interface BenchmarkResult {
  readonly name: string;
  readonly [figure: string]: string | number;
}

/** How a run is made. */
export interface RunSettings extends Settings {
  /** Measurements of each benchmark. */
  readonly rounds: number;
  /** Says what is being done. */
  readonly report: (line: string) => void;
}

/** Milliseconds between two measurements, in which the threads of the one before go to sleep. */
const pause = 200;

/**
 * Runs benchmarks, each in its own process. Those of a group take turns, and the matrix product by which they are judged
 * takes its turn in every group.
 * @returns Their figures; what could not be run is reported and left out.
 */
export async function runBenchmarks(selected: readonly Benchmark[], settings: RunSettings): Promise<BenchmarkResult[]> {
  const needsPeak = selected.some((benchmark) => benchmark === gemmPeak || benchmark.usesPeak);
  const peak = needsPeak ? await BenchmarkProcess.start(gemmPeak, settings) : undefined;
  const measured: BenchmarkProcess[] = [];
  try {
    for (const group of new Set(selected.map((benchmark) => benchmark.group))) {
      const members = selected.filter((benchmark) => benchmark.group === group && benchmark !== gemmPeak);
      try {
        measured.push(...(await runGroup(group, members, peak, settings)));
      } catch (error) {
        settings.report(`${group}: ${error instanceof Error ? error.message : error}`);
      }
    }
  } finally {
    await peak?.stop();
  }
  const peakGflops = peak && gemmPeak.figures(peak.samples, undefined).gflops;
  const all = [...(peak && selected.includes(gemmPeak) ? [peak] : []), ...measured];
  return all.map(({ benchmark, samples, peakRssBytes }) => ({
    name: benchmark.name,
    ...benchmark.figures(samples, peakGflops),
    ...(benchmark.reportsMemory && { peakRssBytes }),
  }));
}

async function runGroup(
  group: string,
  members: readonly Benchmark[],
  peak: BenchmarkProcess | undefined,
  settings: RunSettings,
): Promise<BenchmarkProcess[]> {
  const needed = members.reduce((sum, { memoryBytes = 0 }) => sum + memoryBytes, 0);
  const available = availableBytes();
  if (needed > available) {
    settings.report(
      `${group}: left out, it needs ${formatGiB(needed)} of memory and there are ${formatGiB(available)}`,
    );
    return [];
  }
  const running: BenchmarkProcess[] = [];
  try {
    for (const benchmark of members) {
      settings.report(`${benchmark.name}: setting up`);
      running.push(await BenchmarkProcess.start(benchmark, settings));
    }
    for (let round = 0; round < settings.rounds; round++) {
      settings.report(`${group}: round ${round + 1} of ${settings.rounds}`);
      for (const benchmark of peak ? [peak, ...running] : running) {
        await sleep(pause);
        await benchmark.measure();
      }
    }
    return running;
  } finally {
    await Promise.all(running.map((benchmark) => benchmark.stop()));
  }
}

const formatGiB = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
