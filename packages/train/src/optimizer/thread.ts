import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { answerCalls, type Calls, openCalls, startWorker } from '@dpar/shards';
import { availableThreads, DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { sumOfSquares, type UpdateArrays, type UpdateNumbers, updateParameter } from './kernels.js';
import { memoryOf, type OptimizerThread } from './move-arrays.js';

/** Start data of the thread. */
export interface OptimizerWorkerData {
  readonly port: MessagePort;
}

/** Requests, in turn: take arrays, then update them (or not) and give them back. */
type OptimizerRequest =
  | { readonly parameters: readonly UpdateArrays[] }
  | { readonly updates: readonly UpdateNumbers[] | undefined };

/** The sum of squares of each gradient, then the arrays. */
type OptimizerReply = { readonly squares: readonly number[] } | { readonly parameters: readonly UpdateArrays[] };

/**
 * Program of the thread, next to this module in the built package. When run from source, this file is missing: this
 * thread then does the work.
 */
const builtWorker = import.meta.url.endsWith('.ts') ? undefined : new URL('./optimizer-worker.js', import.meta.url);

/**
 * Number of parameters (16 MB) from which a second thread pays off. Smaller updates take a few milliseconds, and other
 * work of the process may need the core.
 */
const worthwhile = 2 ** 22;

/**
 * Starts a thread that does half of a large optimizer's work. One core reads memory too slowly for the whole update.
 * @param program Program of the thread; `undefined` to work in this thread.
 */
export function createOptimizerThread(program = builtWorker): OptimizerThread {
  checkArguments('createOptimizerThread', { program }, { 'program?': 'object' });

  const { port1, port2: port } = new MessageChannel();
  const calls: Calls<OptimizerRequest, OptimizerReply> = openCalls(port1);
  let stop = async (): Promise<void> => {};
  if (program === undefined) serveOptimizer(port);
  else {
    stop = startWorker(program, { port } satisfies OptimizerWorkerData, (reason) =>
      calls.fail(
        new DparError(
          `createOptimizerThread: expected a thread that updates parameters, got: ${reason}. Resume from a checkpoint.`,
        ),
      ),
    );
  }
  return {
    async take(parameters) {
      const reply = await calls.call({ parameters }, memoryOf(parameters));
      return 'squares' in reply ? reply.squares : [];
    },
    async giveBack(updates) {
      const reply = await calls.call({ updates });
      return 'parameters' in reply ? reply.parameters : [];
    },
    async close() {
      calls.close(new DparError('createOptimizerThread: expected an open thread, got a closed one. Start another.'));
      await stop();
    },
  };
}

/** Starts a thread if it pays for this number of parameters, and if there is a core for it. */
export function createOptimizerThreadFor(parameters: Tensors<HostTensor>): OptimizerThread | undefined {
  checkArguments('createOptimizerThreadFor', { parameters }, { parameters: 'object' });

  const count = Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);
  return count >= worthwhile && availableThreads() > 1 ? createOptimizerThread() : undefined;
}

/** Answers the requests of {@link createOptimizerThread}, in the thread. */
export function serveOptimizer(port: MessagePort): void {
  let held: readonly UpdateArrays[] = [];
  answerCalls<OptimizerRequest, OptimizerReply>(port, async (request) => {
    if ('parameters' in request) {
      held = request.parameters;
      return { content: { squares: held.map(({ gradient }) => sumOfSquares(gradient)) }, moved: [] };
    }
    for (const [i, numbers] of (request.updates ?? []).entries()) updateParameter(held[i] as UpdateArrays, numbers);
    const parameters = held;
    held = [];
    return { content: { parameters }, moved: memoryOf(parameters) };
  });
}
