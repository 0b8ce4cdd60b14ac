import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { availableThreads, DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { startWorker } from '../disk/start-worker.js';
import { askOptimizer, type OptimizerThread, serveOptimizer } from './port.js';

/** What the thread is started with. */
export interface OptimizerWorkerData {
  readonly port: MessagePort;
}

/** As that of `workerSource`: there is no program beside the source, where the same messages are answered in this thread. */
const builtWorker = import.meta.url.endsWith('.ts') ? undefined : new URL('./optimizer-worker.js', import.meta.url);

/**
 * Parameters from which a second thread pays: 16 MB. Below, the update takes a few milliseconds, and other work of the
 * process may want the core.
 */
const worthwhile = 2 ** 22;

/**
 * Starts a thread that does half of a large optimizer's work: the update is bound by how fast one core reads memory.
 * @param program The thread's program; `undefined` for none.
 */
export function optimizerThread(program = builtWorker): OptimizerThread {
  checkArguments('optimizerThread', { program }, { 'program?': 'object' });

  const { port1, port2: port } = new MessageChannel();
  const thread = askOptimizer(port1);
  if (program === undefined) {
    serveOptimizer(port);
    return thread;
  }
  const stop = startWorker(program, { port } satisfies OptimizerWorkerData, (what) =>
    thread.fail(
      new DparError(
        `optimizerThread: expected a thread that updates parameters, got: ${what}. Resume from a checkpoint.`,
      ),
    ),
  );
  return {
    ...thread,
    async close() {
      await thread.close();
      await stop();
    },
  };
}

/** A thread if the parameters are so many that it pays, and there is a core for it. */
export function optimizerThreadFor(parameters: Tensors<HostTensor>): OptimizerThread | undefined {
  checkArguments('optimizerThreadFor', { parameters }, { parameters: 'object' });

  const count = Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);
  return count >= worthwhile && availableThreads() > 1 ? optimizerThread() : undefined;
}
