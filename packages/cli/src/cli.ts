import { type CheckArguments, createCheck } from '@dpar/check';
import { DparError, isDparError } from '@dpar/tensor';
import { CommanderError } from 'commander';
import { createContext, type Streams } from './command/command.js';
import { CommandError, describeError, exitStatus, InterruptedError, UsageError } from './command/errors.js';
import { type Globals, globals } from './command/options.js';
import { checkOutputs } from './command/output-place.js';
import { createProgram, describeUsage } from './command/program.js';
import { commands } from './commands/index.js';
import { version } from './machine.js';

const checkArguments: CheckArguments = /* @__PURE__ */ createCheck(DparError);

/**
 * Runs the `dpar` command.
 *
 * @param argv Arguments, without Node and the script.
 * @param signal Interrupts the work when it is aborted.
 * @returns The exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
 */
export async function run(
  argv: readonly string[],
  streams: Streams,
  signal: AbortSignal = new AbortController().signal,
): Promise<number> {
  checkArguments(
    'run',
    { argv, streams, signal },
    { argv: 'string[]', streams: { stdout: 'object', stderr: 'object', '*': 'any' }, 'signal?': 'AbortSignal' },
  );
  const { stdout, stderr } = streams;
  const print = (text: string): void => void stdout.write(text);
  const program = createProgram(commands, { version, globals, print }, async (command, values) => {
    const { json, quiet, ...engine } = values as Globals;
    const context = createContext(streams, { ...engine, quiet }, signal);
    try {
      await checkOutputs(command.options, values);
      const { data, text } = await command.run(values as never, context);
      print(`${json ? JSON.stringify(data) : text}\n`);
    } catch (error) {
      if (engine.device === 'cpu' || !isDparError(error)) throw error;
      throw new CommandError(`${error.message.replace(/\s*\.?\s*$/, '.')} 'dpar info' shows which devices work here.`, {
        cause: error,
      });
    } finally {
      await context.dispose();
    }
  });
  const command = argv.find((argument) => commands.some(({ name }) => name === argument));
  const help = `See 'dpar ${command === undefined ? '' : `${command} `}--help'.`;
  const fail = (line: string, status: number): number => {
    stderr.write(`dpar${command === undefined ? '' : ` ${command}`}: ${line.trim()}\n`);
    return status;
  };

  if (argv.length === 0) {
    stderr.write(program.helpInformation());
    return exitStatus.usage;
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitStatus.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitStatus.done : fail(`${describeUsage(error)} ${help}`, exitStatus.usage);
    }
    if (signal.aborted) {
      return fail(error instanceof InterruptedError ? error.message : 'interrupted.', exitStatus.interrupted);
    }
    if (argv.includes('--debug') && error instanceof Error) stderr.write(`${error.stack}\n`);
    if (error instanceof UsageError) return fail(`${error.message} ${help}`, exitStatus.usage);
    return fail(describeError(error), exitStatus.failed);
  }
}
