import type { Context } from './context.js';
import type { Options, Values } from './options.js';

/** What a command has found out. */
export interface Result {
  /** What `--json` prints. */
  readonly data: unknown;
  /** What is printed otherwise. */
  readonly text: string;
}

/** A subcommand: the one place from which its parsing, its help and its work are made. */
export interface CommandSpec<O extends Options> {
  readonly name: string;
  /** One line for the list of subcommands. */
  readonly summary: string;
  /** Further lines of the help. */
  readonly details?: string;
  readonly options: O;
  run(values: Values<O>, context: Context): Promise<Result>;
}

/** A {@link CommandSpec} of any options. */
export type Command = CommandSpec<Options>;

/** Makes a subcommand; the values that it runs with have the types of its options. */
export function defineCommand<O extends Options>(spec: CommandSpec<O>): Command {
  return spec as unknown as Command;
}
