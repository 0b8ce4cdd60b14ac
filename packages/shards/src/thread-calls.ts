import { type MessagePort, Worker } from 'node:worker_threads';
import { IoError } from '@dpar/io';
import { checkArguments } from './check-arguments.js';

/** A request to a thread. Memory is moved, not copied. */
interface Request<Q> {
  readonly id: number;
  readonly content: Q;
}

/** A reply to a request, or the message of its error. */
type Reply<R> = { readonly id: number } & ({ readonly content: R } | { readonly error: string });

/** The result of a request, with the memory that moves to the asking thread. */
export interface Answer<R> {
  readonly content: R;
  readonly moved: readonly ArrayBuffer[];
}

/** Answers the requests of {@link openCalls} one after the other, in their order. */
export function answerCalls<Q, R>(port: MessagePort, answer: (content: Q) => Promise<Answer<R>>): void {
  checkArguments('answerCalls', { port, answer }, { port: 'object', answer: 'function' });
  const send = (reply: Reply<R>, moved: readonly ArrayBuffer[] = []): void => port.postMessage(reply, [...moved]);
  let last = Promise.resolve();
  port.on('message', ({ id, content: request }: Request<Q>) => {
    last = last
      .then(() => answer(request))
      .then(
        ({ content, moved }) => send({ id, content }, moved),
        (error: unknown) => send({ id, error: error instanceof Error ? error.message : String(error) }),
      );
  });
}

/** The asking end of {@link answerCalls}. */
export interface Calls<Q, R> {
  /** @throws IoError with the message of an error in the other thread. */
  call(content: Q, moved?: readonly ArrayBuffer[]): Promise<R>;
  /** Rejects all open and later calls with this error. */
  fail(error: Error): void;
  /** Fails with this error and closes the port. */
  close(error: Error): void;
}

/** Calls another thread through a port. The port keeps the process alive only while a call is open. */
export function openCalls<Q, R>(port: MessagePort): Calls<Q, R> {
  checkArguments('openCalls', { port }, { port: 'object' });
  const open = new Map<number, { resolve(content: R): void; reject(error: Error): void }>();
  let failure: Error | undefined;
  let next = 0;
  port.on('message', (reply: Reply<R>) => {
    const call = open.get(reply.id);
    open.delete(reply.id);
    if (open.size === 0) port.unref();
    if ('error' in reply) call?.reject(new IoError(reply.error));
    else call?.resolve(reply.content);
  });
  port.unref();
  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of open.values()) reject(failure);
    open.clear();
    port.unref();
  };
  return {
    call: (content, moved = []) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        const id = next++;
        open.set(id, { resolve, reject });
        port.ref();
        port.postMessage({ id, content } satisfies Request<Q>, [...moved]);
      }),
    fail,
    close(error) {
      fail(error);
      port.close();
    },
  };
}

/**
 * Starts a thread that does not keep the process alive.
 * @param data Start data of the program, with a port to talk through.
 * @param onEnd Called with the reason when the thread ends.
 * @returns Ends the thread.
 */
export function startWorker<D extends { readonly port: MessagePort }>(
  program: URL,
  data: D,
  onEnd: (reason: string) => void,
): () => Promise<void> {
  checkArguments(
    'startWorker',
    { program, data, onEnd },
    { program: 'object', data: { port: 'object', '*': 'any' }, onEnd: 'function' },
  );
  const worker = new Worker(program, { workerData: data, transferList: [data.port] });
  worker.unref();
  worker.on('error', (error) => onEnd(error.message));
  worker.on('exit', () => onEnd('the end of it'));
  return async () => {
    await worker.terminate();
  };
}
