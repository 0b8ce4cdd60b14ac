import { median } from '@dpar/report';

/** Settings of a run. */
export interface Settings {
  /** Threads of the engine. */
  readonly threads: number;
}

/** What one measurement gives: figures by name, such as seconds of each variant. */
export type Sample = Readonly<Record<string, number>>;

/** A benchmark that has been set up and run once, and measures whenever it is asked to. */
export interface Prepared {
  measure(): Promise<Sample>;
}

/** What is reported of a benchmark, by name. */
export type Figures = Readonly<Record<string, number>>;

/** Figures of another benchmark of the same run by its name; none if it was not measured. */
export type FiguresOf = (name: string) => Figures;

/** Something that is measured, several times, in a process of its own. */
export interface Benchmark {
  readonly name: string;
  /** Benchmarks of one group are set up together and take turns, so that their ratios are of the same minutes. */
  readonly group: string;
  /** Sets up; called in the benchmark's own process. */
  prepare(settings: Settings): Promise<Prepared>;
  /** The figures to report, from all samples. */
  figures(samples: readonly Sample[], figuresOf: FiguresOf): Figures;
  /** Benchmarks by which its figures are judged: they take turns with its group, selected or not. */
  readonly uses?: readonly Benchmark[];
  /** Bytes that its process is expected to take; it is left out where there is not that much. */
  readonly memoryBytes?: number;
  /** Measurements at most, where one takes long. */
  readonly maxRounds?: number;
  /** It takes so long that it runs only if the prefix that selects it begins with this. */
  readonly onlyWith?: string;
  /** Whether the memory of its process is a figure. */
  readonly reportsMemory?: boolean;
}

/** The benchmarks that a prefix selects: the one of just that name, or else those whose names begin so. */
export function selectBenchmarks(benchmarks: readonly Benchmark[], prefixes: readonly string[]): Benchmark[] {
  return benchmarks.filter(({ name, onlyWith = '' }) =>
    prefixes.some((prefix) => {
      const exact = benchmarks.some((benchmark) => benchmark.name === prefix);
      return exact ? name === prefix : name.startsWith(prefix) && prefix.startsWith(onlyWith);
    }),
  );
}

/** Medians of all figures of some samples, by name. */
export function medians(samples: readonly Sample[]): Sample {
  const names = Object.keys(samples[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(samples.map((sample) => sample[name] ?? Number.NaN))]));
}

/** Seconds that an action takes. */
export async function secondsOf(action: () => unknown): Promise<number> {
  const begin = performance.now();
  await action();
  return (performance.now() - begin) / 1000;
}
