import { run } from './cli.js';
import { exitStatus } from './errors.js';

/** Milliseconds within which a second signal is the first one again: npm, shells and schedulers pass on what all processes got. */
const echo = 500;

const interruption = new AbortController();
let interruptedAt = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!interruption.signal.aborted) {
      interruptedAt = performance.now();
      interruption.abort(new Error('interrupted'));
    } else if (performance.now() - interruptedAt > echo) {
      // The second time without waiting for the step that is running.
      process.exit(exitStatus.interrupted);
    }
  });
}

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitStatus.done : exitStatus.failed);
});

process.exitCode = await run(process.argv.slice(2), process, interruption.signal);
