import { Command as Commander, Option as CommanderOption, InvalidArgumentError } from 'commander';
import type { Command } from './command.js';
import { UsageError } from './errors.js';
import type { Option, Options } from './options.js';

// commander parses: no dependencies of its own, suggests the nearest name for an unknown one, and makes the help from
// the same declarations.

/** What the program does with the command that the arguments name. */
export type Action = (command: Command, values: Readonly<Record<string, unknown>>) => Promise<void>;

/** What {@link createProgram} needs beside the commands. */
export interface ProgramOptions {
  readonly version: string;
  /** Options of all commands. */
  readonly globals: Options;
  /** Writes what the parser itself prints: help and the version. */
  readonly print: (text: string) => void;
}

/**
 * Builds the parser of all commands. Its `parseAsync` throws CommanderError for what it does not know, and after it has
 * printed help; UsageError if a required option is missing.
 */
export function createProgram(commands: readonly Command[], settings: ProgramOptions, action: Action): Commander {
  const { version, globals, print } = settings;
  const program = new Commander('dpar')
    .description('Trains, samples and measures autoregressive image generators with dynamic patches (DPAR).')
    .version(version, '--version', 'prints the version')
    .helpOption('--help', 'shows this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => {}, outputError: () => {} })
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .addHelpText('after', "\n'dpar COMMAND --help' shows the options of a command.");
  addOptions(program, globals);
  for (const command of commands) {
    const { name, summary, details, options } = command;
    const subcommand = program
      .command(name)
      .summary(summary)
      .description([`${summary}.`, ...(details === undefined ? [] : [details])].join('\n\n'))
      .allowExcessArguments(false)
      .action(() => action(command, complete({ ...globals, ...options }, subcommand.optsWithGlobals())));
    addOptions(subcommand, options);
  }
  return program;
}

/** `topK` as it is written on the command line. */
export function longName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function addOptions(target: Commander, options: Options): void {
  for (const [name, option] of Object.entries(options)) {
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
  if (parse) {
    made.argParser((text, previous: unknown) => {
      const parsed = parseValue(parse, text);
      return repeated ? [...((previous as unknown[] | undefined) ?? []), parsed] : parsed;
    });
  }
  return made;
}

function parseValue(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** The given values, and the fallbacks of others. */
function complete(options: Options, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(options).map(([name, { value, required, alias, fallback }]) => {
    const older = alias === undefined ? undefined : given[alias];
    if (alias !== undefined && older !== undefined && given[name] !== undefined) {
      throw new UsageError(`expected ${longName(name)} or its older name ${longName(alias)}, got both.`);
    }
    if (required && given[name] === undefined) {
      throw new UsageError(`expected ${longName(name)} ${value}, got no such option.`);
    }
    // The parser takes `--no-x` as the opposite of `--x`.
    const [, opposite] = /^no([A-Z]\w*)$/.exec(name) ?? [];
    if (opposite !== undefined) return [name, given[opposite.charAt(0).toLowerCase() + opposite.slice(1)] === false];
    return [name, given[name] ?? older ?? fallback];
  });
  return Object.fromEntries(entries);
}

/** What the parser found wrong, in the form of our messages. */
export function describeUsage(message: string): string {
  const line = message.replaceAll(/\s*\n\s*/g, ' ').trim();
  for (const [pattern, replacement] of rewritings)
    if (pattern.test(line)) return line.replace(pattern, replacement).trim();
  return line.replace(/^error: /, '');
}

const rewritings: readonly (readonly [RegExp, string])[] = [
  [/^error: option '(--[\w-]+).*?' argument '.*' is invalid\. (expected .*)$/, '$1: $2.'],
  [/^error: option '(--[\w-]+) <(.*)>' argument missing$/, '$1: expected a value ($2), got none.'],
  [/^error: unknown option '(.*?)'(?: \((Did you mean .*\?)\))?$/, "expected a known option, got '$1'. $2"],
  [/^error: unknown command '(.*?)'(?: \((Did you mean .*\?)\))?$/, "expected a known command, got '$1'. $2"],
  [/^error: too many arguments for '(.*)'.*$/, "expected options alone after '$1', got other words."],
];
