import { type ChildProcess, fork } from 'node:child_process';
import type { Benchmark, Sample, Settings } from './benchmark.js';

/** Message of a benchmark's process when it is ready, and after each measurement. */
export interface Reply {
  readonly sample: Sample;
  readonly peakRssBytes: number;
}

/** A benchmark in a process of its own, with its measurements. */
export class BenchmarkProcess {
  readonly samples: Sample[] = [];
  peakRssBytes = 0;

  private constructor(
    readonly benchmark: Benchmark,
    private readonly child: ChildProcess,
  ) {}

  /** Starts the process and waits until it is ready. @throws Error if the process ends first. */
  static async start(benchmark: Benchmark, { threads, pytorch }: Settings): Promise<BenchmarkProcess> {
    const worker = new URL('./worker.js', import.meta.url);
    const stdio: ('ignore' | 'inherit' | 'ipc')[] = ['ignore', 'ignore', 'inherit', 'ipc'];
    const options = ['--threads', `${threads}`, ...(pytorch ? ['--pytorch'] : [])];
    const child = fork(worker, [benchmark.name, ...options], { stdio });
    const started = new BenchmarkProcess(benchmark, child);
    await started.reply();
    return started;
  }

  /** Measures once. @throws Error if the process ends. */
  async measure(): Promise<void> {
    this.child.send('measure');
    this.samples.push(await this.reply());
  }

  /** Ends the process. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return resolve();
      this.child.once('exit', () => resolve());
      this.child.kill();
    });
  }

  private reply(): Promise<Sample> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null, signal: string | null): void => {
        reject(
          new Error(`${this.benchmark.name}: expected a measurement, got the end of its process (${signal ?? code}).`),
        );
      };
      this.child.once('exit', onExit);
      this.child.once('message', ({ sample, peakRssBytes }: Reply) => {
        this.child.off('exit', onExit);
        this.peakRssBytes = peakRssBytes;
        resolve(sample);
      });
    });
  }
}
