import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A mistake in the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Runs a program. An error goes to stderr; the exit status is then 2 for a mistake in the command line, and 1 otherwise.
 * @param usage Printed after the message of a {@link UsageError}.
 */
export function runProgram(main: () => Promise<void>, usage = ''): void {
  main().catch((error: unknown) => {
    const isUsage = error instanceof UsageError;
    const text = error instanceof Error ? (isUsage ? error.message : error.stack) : String(error);
    process.stderr.write(`${text}\n${isUsage && usage ? `\n${usage}` : ''}`);
    process.exitCode = isUsage ? 2 : 1;
  });
}

/**
 * Parses the command line.
 * @param program Name that error messages begin with.
 * @throws UsageError for an unknown option or a missing value.
 */
export function readOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(
  program: string,
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(`${program}: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Reads a whole number.
 * @param option Program and option, as in `demo: --seed`.
 * @throws UsageError for any other text.
 */
export function wholeNumber(option: string, text: string, smallest: number, largest = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= smallest && value <= largest) return value;
  const range = largest === Number.MAX_SAFE_INTEGER ? `of at least ${smallest}` : `from ${smallest} to ${largest}`;
  throw new UsageError(`${option}: expected a whole number ${range}, got '${text}'.`);
}
