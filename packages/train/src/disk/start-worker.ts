import { type MessagePort, Worker } from 'node:worker_threads';

/**
 * Starts a thread that does not keep the process alive, with a port to talk through.
 * @param data What the program is started with, the port among it.
 * @param ended Told why there is no thread any more.
 * @returns Ends the thread.
 */
export function startWorker<D extends { readonly port: MessagePort }>(
  program: URL,
  data: D,
  ended: (what: string) => void,
): () => Promise<void> {
  const worker = new Worker(program, { workerData: data, transferList: [data.port] });
  worker.unref();
  worker.on('error', (error) => ended(error.message));
  worker.on('exit', () => ended('the end of it'));
  return async () => {
    await worker.terminate();
  };
}
