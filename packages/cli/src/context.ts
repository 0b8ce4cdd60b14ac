import type { Writable } from 'node:stream';
import type { Engine } from '@dpar/tensor';
import { createEngine, type EngineOptions } from './engine.js';
import { createProgress, type Progress, type ProgressOptions, silent } from './progress.js';
import { isTerminal, type Terminal } from './terminal.js';

/** Where a command writes. */
export interface Streams {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** What a command works with beside its options. */
export interface Context {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** A line for people, on stderr. */
  note(line: string): void;
  progress(options: ProgressOptions): Progress;
  /** The terminal that stderr is, for views that are updated in place; none with `--quiet`. */
  readonly terminal: Terminal | undefined;
  /** Number of threads of `--threads`; undefined for those of `availableThreads`. */
  readonly threads: number | undefined;
  /** The engine of `--engine`, `--device` and `--threads`. */
  engine(): Promise<Engine>;
}

/** Makes a context. `dispose` frees its engine. */
export function createContext(
  { stderr }: Streams,
  options: EngineOptions & { readonly quiet: boolean },
  signal: AbortSignal,
): Context & { dispose(): Promise<void> } {
  let engine: Promise<Engine> | undefined;
  const note = (line: string): void => {
    if (!options.quiet) stderr.write(`${line}\n`);
  };
  return {
    signal,
    threads: options.threads,
    note,
    progress: (progress) => (options.quiet ? silent : createProgress(stderr, progress)),
    terminal: !options.quiet && isTerminal(stderr) ? stderr : undefined,
    engine: () => {
      engine ??= createEngine(options, note);
      return engine;
    },
    dispose: async () => {
      // An engine that could not be made has been reported already.
      await engine?.then(
        (made) => made.dispose(),
        () => {},
      );
    },
  };
}
