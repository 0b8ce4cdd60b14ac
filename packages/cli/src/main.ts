import { run } from './cli.js';
import { exitStatus } from './errors.js';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second time without waiting for the step that is running.
    if (interruption.signal.aborted) process.exit(exitStatus.interrupted);
    interruption.abort(new Error('interrupted'));
  });
}

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitStatus.done : exitStatus.failed);
});

process.exitCode = await run(process.argv.slice(2), process, interruption.signal);
