import type { PageManifest } from '../manifest.js';
import type { Reply, Request, TuningRequest } from '../worker/protocol.js';

/** A request without its number. */
export type Numbered<R> = R extends { readonly id: number } ? Omit<R, 'id'> : never;

/** Number of the last task, counted over all workers. */
let lastId = 0;

/** Client of the worker that runs the models. */
export class ModelClient {
  private readonly worker: Worker;
  private unheard: Reply[] = [];
  private onReply = (reply: Reply): unknown => this.unheard.push(reply);

  /**
   * Starts the worker, which loads the model as soon as the manifest is there.
   * @param threads Threads of WebAssembly.
   */
  constructor(manifest: PageManifest | Promise<PageManifest>, threads: number) {
    this.worker = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' });
    this.worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => this.onReply(data));
    this.worker.addEventListener('error', ({ message }) =>
      this.onReply({
        kind: 'failed',
        message: message || 'The worker that runs the model could not be started. Reload the page.',
      }),
    );
    Promise.resolve(manifest).then(
      (manifest) => this.send({ kind: 'load', threads, manifest }),
      () => {}, // The page itself says so.
    );
  }

  /** Passes on all replies of the worker, including failures and earlier replies. */
  listen(onReply: (reply: Reply) => void): void {
    this.onReply = onReply;
    for (const reply of this.unheard.splice(0)) onReply(reply);
  }

  terminate(): void {
    this.worker.terminate();
  }

  /** Gives the worker a task. @returns The number of the task, which its replies contain. */
  start(task: Numbered<Extract<Request, { kind: 'analyse' | 'classify' | 'draw' }> | TuningRequest>): number {
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
