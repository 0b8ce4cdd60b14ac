import type { Context } from './context.js';
import type { Options, Values } from './options.js';

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
