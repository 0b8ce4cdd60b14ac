/** A mistake in the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Runs a program; what it throws is told on stderr, and its exit status is 1, or 2 for a mistake in the command line. */
export function runProgram(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const isUsage = error instanceof UsageError;
    const text = error instanceof Error ? (isUsage ? error.message : error.stack) : String(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = isUsage ? 2 : 1;
  });
}
