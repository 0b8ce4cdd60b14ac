import type { Writable } from 'node:stream';
import type { Engine } from '@dpar/tensor';
import { createEngine, type EngineOptions } from '../engine/engine.js';
import type { Options, Values } from './options.js';
import { createProgress, isTerminal, type Progress, type ProgressOptions, silent, type Terminal } from './progress.js';

/** Result of a command. */
export interface Result {
  /** Printed with `--json`. */
  readonly data: unknown;
  /** Printed otherwise. */
  readonly text: string;
}

/** A subcommand: its options, its help and its work. */
export interface CommandSpec<O extends Options> {
  readonly name: string;
  /** One line for the list of subcommands. */
  readonly summary: string;
  /** Further paragraphs of the help. */
  readonly details?: string;
  readonly options: O;
  run(values: Values<O>, context: Context): Promise<Result>;
}

/** A {@link CommandSpec} with any options. */
export type Command = CommandSpec<Options>;

/** Makes a subcommand. Its values have the types of its options. */
export function defineCommand<O extends Options>(spec: CommandSpec<O>): Command {
  return spec as unknown as Command;
}

/** Streams that a command writes to. */
export interface Streams {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Surroundings of a running command: its signal, its messages and its engine. */
export interface Context {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Writes a line to stderr, unless `--quiet` is set. */
  note(line: string): void;
  progress(options: ProgressOptions): Progress;
  /** Terminal on stderr, for views that are updated in place; undefined with `--quiet`. */
  readonly terminal: Terminal | undefined;
  /** Value of `--threads`; undefined for `availableThreads()`. */
  readonly threads: number | undefined;
  /** The engine of `--engine`, `--device`, `--precision` and `--threads`. */
  engine(): Promise<Engine>;
}

/** Makes a context. Its `dispose` frees the engine. */
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
      // The command has already reported an engine that could not be made.
      await engine?.then(
        (made) => made.dispose(),
        () => {},
      );
    },
  };
}
