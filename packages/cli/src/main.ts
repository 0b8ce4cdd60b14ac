import { run } from './cli.js';
import { exitStatus } from './command/errors.js';

/** Time in milliseconds within which a second signal is a copy of the first: npm, shells and schedulers forward signals. */
const echo = 500;

const interruption = new AbortController();
let interruptedAt = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!interruption.signal.aborted) {
      interruptedAt = performance.now();
      interruption.abort(new Error('interrupted'));
    } else if (performance.now() - interruptedAt > echo) {
      // A second interruption does not wait for the running step.
      process.exit(exitStatus.interrupted);
    }
  });
}

// A reader such as `head` closes the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitStatus.done : exitStatus.failed);
});

process.exitCode = await run(process.argv.slice(2), process, interruption.signal);
