import { Argument, Command as Commander, type CommanderError, Option as CommanderOption } from 'commander';
import type { Command } from './command.js';
import { UsageError } from './errors.js';
import type { Option, Options } from './options.js';

// commander parses: it has no dependencies, suggests the nearest name for an unknown one, and makes the help from the same
// declarations.

/** Width of the help, in characters. */
export const helpWidth = 100;

/** Runs the command that the arguments name. */
export type Action = (command: Command, values: Readonly<Record<string, unknown>>) => Promise<void>;

/** Options of {@link createProgram}. */
export interface ProgramOptions {
  readonly version: string;
  /** Options of all commands. */
  readonly globals: Options;
  /** Prints help and the version. */
  readonly print: (text: string) => void;
}

/**
 * Builds the parser of all commands. Its `parseAsync` throws a CommanderError for unknown options and commands, and
 * after it has printed help; a UsageError for invalid values, for missing options and for arguments that no option
 * takes.
 */
export function createProgram(commands: readonly Command[], settings: ProgramOptions, action: Action): Commander {
  const { version, globals, print } = settings;
  const program = new Commander('dpar')
    .description('Train, sample and evaluate autoregressive image generators with dynamic patches (DPAR).')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'show this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => {}, outputError: () => {} })
    .configureHelp({ showGlobalOptions: true, helpWidth })
    .addHelpText('after', "\nRun 'dpar COMMAND --help' for the options of a command.");
  addOptions(program, globals);
  for (const command of commands) {
    const { name, summary, details, options } = command;
    const positionals = Object.keys(options).filter((key) => options[key]?.positional);
    const subcommand = program
      .command(name)
      .summary(summary)
      .description([`${summary}.`, ...(details === undefined ? [] : [details])].join('\n\n'))
      .allowExcessArguments()
      .action(() => {
        const extra = subcommand.args[positionals.length];
        if (extra !== undefined) {
          const named = positionals.map((key) => ` ${options[key]?.value}`).join('');
          throw new UsageError(`expected only options after '${name}${named}', got '${extra}'.`);
        }
        const given = Object.fromEntries(positionals.map((key, i) => [key, subcommand.processedArgs[i]]));
        return action(command, complete({ ...globals, ...options }, { ...subcommand.optsWithGlobals(), ...given }));
      });
    addOptions(subcommand, options);
  }
  return program;
}

/** Name of an option on the command line: `--top-k` of `topK`. */
export function longName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function addOptions(target: Commander, options: Options): void {
  for (const [name, option] of Object.entries(options)) {
    const { positional, value = '', description, parse, required, fallback } = option;
    if (positional) {
      const argument = new Argument(
        required ? `<${value}>` : `[${value}]`,
        required ? description : `${description} (default: ${fallback})`,
      );
      target.addArgument(parse ? argument.argParser((text: string) => parseValue(value, parse, text)) : argument);
      continue;
    }
    target.addOption(commanderOption(name, option));
    if (option.alias !== undefined) target.addOption(commanderOption(option.alias, option).hideHelp());
  }
}

function commanderOption(name: string, option: Option<unknown>): CommanderOption {
  const { value, description, parse, required, alias, repeated, fallback } = option;
  const flags = value === undefined ? longName(name) : `${longName(name)} <${value}${repeated ? '...' : ''}>`;
  const shown = value === undefined || repeated || fallback === undefined ? '' : ` (default: ${fallback})`;
  const older = alias === undefined ? '' : ` (older name: ${longName(alias)})`;
  const made = new CommanderOption(flags, `${description}${required ? ' (required)' : ''}${shown}${older}`);
  made.negate = false; // else commander takes `--no-x` as the opposite of `--x`
  if (parse) {
    made.argParser((text, previous: unknown) => {
      const parsed = parseValue(longName(name), parse, text);
      return repeated ? [...((previous as unknown[] | undefined) ?? []), parsed] : parsed;
    });
  }
  return made;
}

/** The value of an option. @throws UsageError that names the option. */
function parseValue(name: string, parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${name}: ${error.message}.`) : error;
  }
}

/** Values of all options: those given, and the fallbacks of the others. @throws UsageError if a required one is missing. */
function complete(options: Options, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(options).map(([name, { value, required, alias, fallback }]) => {
    const older = alias === undefined ? undefined : given[alias];
    if (alias !== undefined && older !== undefined && given[name] !== undefined) {
      throw new UsageError(`expected ${longName(name)} or its older name ${longName(alias)}, got both.`);
    }
    if (required && given[name] === undefined) {
      throw new UsageError(`expected ${longName(name)} ${value}, got none.`);
    }
    return [name, given[name] ?? older ?? fallback];
  });
  return Object.fromEntries(entries);
}

/** Describes a usage error of the parser in the form of our messages. Its text holds the name in quotes and the hint. */
export function describeUsage({ code, message }: CommanderError): string {
  const [, name = ''] = message.split("'");
  const [hint = ''] = /Did you mean .*\?/.exec(message) ?? [];
  switch (code) {
    case 'commander.unknownOption':
      return `expected a known option, got '${name}'. ${hint}`.trim();
    case 'commander.unknownCommand':
      return `expected a known command, got '${name}'. ${hint}`.trim();
    case 'commander.missingArgument':
      return `expected ${name}, got none.`;
    case 'commander.optionMissingArgument':
      return `expected a value for ${name}, got none.`;
    default:
      return message.replace(/^error: /, '');
  }
}
