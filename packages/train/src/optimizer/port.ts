import type { MessagePort } from 'node:worker_threads';
import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { type AdamWArrays, type AdamWScalars, sumOfSquares, updateParameter } from './kernels.js';

/** What an update of one parameter reads and writes, with an average that follows it, if there is one. */
export interface UpdateArrays extends AdamWArrays {
  readonly average?: Float32Array | undefined;
}

/** The numbers of one parameter's update. */
export interface UpdateNumbers {
  readonly scalars: AdamWScalars;
  /** 1 - decay of the average. */
  readonly rate: number;
}

/** What is asked for: to take arrays, then to update them, or not, and to give them back. */
type OptimizerRequest =
  | { readonly parameters: readonly UpdateArrays[] }
  | { readonly updates: readonly UpdateNumbers[] | undefined };

/** What comes back: the sum of squares of each gradient, then the arrays. */
interface OptimizerReply {
  readonly squares?: readonly number[];
  readonly parameters?: readonly UpdateArrays[];
}

/** Answers the requests of {@link OptimizerThread}. Arrays are moved, not copied. */
export function serveOptimizer(port: MessagePort): void {
  let held: readonly UpdateArrays[] = [];
  const reply = (message: OptimizerReply, moved: readonly UpdateArrays[] = []): void =>
    port.postMessage(message, memoryOf(moved));
  port.on('message', (request: OptimizerRequest) => {
    if ('parameters' in request) {
      held = request.parameters;
      return reply({ squares: held.map(({ gradient }) => sumOfSquares(gradient)) });
    }
    for (const [i, numbers] of (request.updates ?? []).entries()) applyUpdate(held[i] as UpdateArrays, numbers);
    const parameters = held;
    held = [];
    return reply({ parameters }, parameters);
  });
}

/** Updates one parameter, and its average. */
export function applyUpdate({ average, ...arrays }: UpdateArrays, { scalars, rate }: UpdateNumbers): void {
  updateParameter(arrays, scalars, average && { average, rate });
}

/** The memory of arrays. */
export function memoryOf(arrays: readonly UpdateArrays[]): ArrayBuffer[] {
  return arrays.flatMap((each) => viewsOf(each).map(({ buffer }) => buffer as ArrayBuffer));
}

/** All arrays of one parameter. */
export function viewsOf({ parameter, gradient, first, second, average }: UpdateArrays): Float32Array[] {
  return [parameter, gradient, first, second, ...(average ? [average] : [])];
}

/** Somebody who does a part of the updates of parameters: see {@link optimizerThread}. */
export interface OptimizerThread {
  /**
   * Moves arrays there. They can be used again only after {@link OptimizerThread.giveBack}, in what that returns.
   * @returns The sum of squares of each gradient.
   */
  take(parameters: readonly UpdateArrays[]): Promise<readonly number[]>;
  /** Updates what was taken, unless there are no numbers, and moves it back, in the order in which it was taken. */
  giveBack(updates: readonly UpdateNumbers[] | undefined): Promise<readonly UpdateArrays[]>;
  close(): Promise<void>;
}

/** Kinds of {@link OptimizerThread}. */
export const optimizerThreadKinds: KindsOf<OptimizerThread> = {
  take: 'function',
  giveBack: 'function',
  close: 'function',
  '*': 'any',
};

/** The other end of {@link serveOptimizer}; one request is open at a time. */
export function askOptimizer(port: MessagePort): OptimizerThread & { fail(error: Error): void } {
  let waiting: { resolve(reply: OptimizerReply): void; reject(error: Error): void } | undefined;
  let failure: Error | undefined;
  port.on('message', (reply: OptimizerReply) => {
    port.unref();
    waiting?.resolve(reply);
  });
  port.unref();
  const ask = async (request: OptimizerRequest, moved: readonly UpdateArrays[] = []): Promise<OptimizerReply> => {
    if (failure !== undefined) throw failure;
    const reply = new Promise<OptimizerReply>((resolve, reject) => {
      waiting = { resolve, reject };
    });
    port.ref();
    port.postMessage(request, memoryOf(moved));
    return reply;
  };
  const fail = (error: Error): void => {
    failure ??= error;
    waiting?.reject(failure);
    port.unref();
  };
  return {
    take: async (parameters) => (await ask({ parameters }, parameters)).squares ?? [],
    giveBack: async (updates) => (await ask({ updates })).parameters ?? [],
    fail,
    async close() {
      fail(new DparError('optimizerThread: expected an open thread, got a closed one. Start another.'));
      port.close();
    },
  };
}
