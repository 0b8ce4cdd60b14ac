import type { Device } from '@dpar/engine-ort';
import { median } from '@dpar/report';

/** Settings of a run. */
export interface Settings {
  /** Threads of the engine. */
  readonly threads: number;
  /** True to measure the same work in PyTorch too. */
  readonly pytorch: boolean;
}

/** Settings of a benchmark. */
export interface BenchmarkSettings extends Settings {
  /** Device of the engine. */
  readonly device: Device;
}

/** Figures of one measurement by name, such as seconds of each variant. */
export type Sample = Readonly<Record<string, number>>;

/** A benchmark that is set up and has run once. */
export interface Prepared {
  measure(): Promise<Sample>;
}

/** Reported figures of a benchmark by name. */
export type Figures = Readonly<Record<string, number>>;

/** Returns the figures of another benchmark of the same run; an empty object if it was not measured. */
export type FiguresOf = (name: string) => Figures;

/** A benchmark, measured several times in a process of its own. */
export interface Benchmark {
  readonly name: string;
  /** Group of benchmarks that take turns, so that their ratios compare the same minutes. */
  readonly group: string;
  /** Sets up the benchmark, in its own process. */
  prepare(settings: BenchmarkSettings): Promise<Prepared>;
  /** Computes the reported figures from all samples. */
  figures(samples: readonly Sample[], figuresOf: FiguresOf): Figures;
  /** Benchmarks that its figures are compared with. They take turns with its group, selected or not. */
  readonly uses?: readonly Benchmark[];
  /** Expected bytes of its process. The benchmark is skipped if less memory is available. */
  readonly memoryBytes?: number;
  /** Returns why it cannot run on this machine, such as a missing library. The benchmark is then left out. */
  obstacle?(): Promise<string | undefined>;
  /** Largest number of measurements, for slow benchmarks. */
  readonly maxRounds?: number;
  /** Prefix that must be selected explicitly, for the slowest benchmarks. */
  readonly onlyWith?: string;
  /** Reports the peak memory of its process. */
  readonly reportsMemory?: boolean;
  /** Measures the same work in PyTorch if it is selected and PyTorch is installed. */
  readonly usesPytorch?: boolean;
}

/** Selects benchmarks, or topics of them, by prefixes. A prefix that is a full name selects the one of that name only. */
export function selectBenchmarks<B extends Pick<Benchmark, 'name' | 'onlyWith'>>(
  benchmarks: readonly B[],
  prefixes: readonly string[],
): B[] {
  return benchmarks.filter(({ name, onlyWith = '' }) =>
    prefixes.some((prefix) => {
      const exact = benchmarks.some((benchmark) => benchmark.name === prefix);
      return exact ? name === prefix : name.startsWith(prefix) && prefix.startsWith(onlyWith);
    }),
  );
}

/** Names of a line; the others are counted. */
const namesOfLine = 2;

/** Benchmarks that can run on this machine. @param report Receives a line for those that cannot, for each reason. */
export async function withoutObstacles(
  benchmarks: readonly Benchmark[],
  report: (line: string) => void,
): Promise<Benchmark[]> {
  const reasons = await Promise.all(benchmarks.map((benchmark) => benchmark.obstacle?.()));
  for (const reason of new Set(reasons)) {
    if (reason === undefined) continue;
    const names = benchmarks.flatMap(({ name }, i) => (reasons[i] === reason ? [name] : []));
    const others = names.length > namesOfLine ? ` and ${names.length - namesOfLine} more` : '';
    report(`${names.slice(0, namesOfLine).join(', ')}${others}: left out, ${reason}`);
  }
  return benchmarks.filter((_, i) => reasons[i] === undefined);
}

/** Medians of all figures by name, over the samples that have them. */
export function medians(samples: readonly Sample[]): Sample {
  const names = new Set(samples.flatMap((sample) => Object.keys(sample)));
  return Object.fromEntries([...names].map((name) => [name, median(samples.flatMap((sample) => sample[name] ?? []))]));
}

/** Measures the seconds of an action. */
export async function secondsOf(action: () => unknown): Promise<number> {
  const begin = performance.now();
  await action();
  return (performance.now() - begin) / 1000;
}
