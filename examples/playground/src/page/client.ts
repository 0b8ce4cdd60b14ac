import type { Reply, Request } from '../worker/protocol.js';

/** A request without the number that the client gives it. */
type Numbered<R> = R extends { readonly id: number } ? Omit<R, 'id'> : never;

/** Number of the last task. Counted for all workers together: what an earlier one was given keeps its number. */
let lastId = 0;

/** The worker that runs the models, and the numbers of the tasks that it was given. */
export class ModelClient {
  private readonly worker: Worker;
  private unheard: Reply[] = [];
  private onReply = (reply: Reply): unknown => this.unheard.push(reply);

  /** Starts the worker, which loads the model. @param threads Of WebAssembly, which the model runs on. */
  constructor(threads: number) {
    this.worker = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' });
    this.worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => this.onReply(data));
    this.worker.addEventListener('error', ({ message }) =>
      this.onReply({ kind: 'failed', message: message || 'The program of the model could not be started.' }),
    );
    this.send({ kind: 'load', threads });
  }

  /** Hands on all that the worker says, its failures among it, and has said so far. */
  listen(onReply: (reply: Reply) => void): void {
    this.onReply = onReply;
    for (const reply of this.unheard.splice(0)) onReply(reply);
  }

  terminate(): void {
    this.worker.terminate();
  }

  /** Gives the worker a task. @returns Its number, which replies about it name. */
  start(task: Numbered<Extract<Request, { kind: 'analyse' | 'classify' | 'draw' }>>): number {
    const id = ++lastId;
    this.send({ ...task, id } as Request);
    return id;
  }

  steer(kind: 'pause' | 'resume' | 'cancel', id: number): void {
    this.send({ kind, id });
  }

  private send(request: Request): void {
    this.worker.postMessage(request);
  }
}
