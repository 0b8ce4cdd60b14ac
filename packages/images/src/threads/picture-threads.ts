import { MessageChannel } from 'node:worker_threads';
import { type Calls, openCalls, startWorker } from '@dpar/shards';
import { availableThreads, DparError } from '@dpar/tensor';
import { type PictureRequest, type PictureResult, type PictureTasks, servePictures } from './tasks.js';

/** Threads that decode, crop and inspect image files. */
export interface PictureThreads {
  readonly count: number;
  /**
   * Does a task.
   * @param thread Number of the thread. Default: the one with the fewest open tasks.
   * @throws DparError or IoError with the message of an error in the thread, or if it ends.
   */
  run<K extends keyof PictureTasks>(
    task: K,
    request: PictureTasks[K]['request'],
    thread?: number,
  ): Promise<PictureTasks[K]['result']>;
  /** Ends the threads. Open tasks fail. */
  close(): Promise<void>;
}

/**
 * Program of the threads, next to this module in the built package. When run from source, it is missing: the same messages are
 * then answered in this thread.
 */
export const builtWorker = import.meta.url.endsWith('.ts')
  ? undefined
  : new URL('./picture-worker.js', import.meta.url);

/** Threads that leave half of the cores to the work that the pictures are for. */
export function usualThreads(): number {
  return Math.max(1, Math.min(8, Math.floor(availableThreads() / 2)));
}

/**
 * Prepares threads for image files. They start with the first task and do not keep the process alive.
 * @param count Number of threads.
 * @param program Program of the threads; `undefined` to work in this thread.
 * @throws DparError if the number is not 1 or more.
 */
export function openPictureThreads(count: number, program = builtWorker): PictureThreads {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new DparError(
      `openPictureThreads: expected at least 1 thread, got ${count}. Omit the number for the default.`,
    );
  }
  const threads: Thread[] = Array.from({ length: count }, () => ({ open: 0, started: undefined }));
  return {
    count,
    async run<K extends keyof PictureTasks>(task: K, request: PictureTasks[K]['request'], thread?: number) {
      const chosen = threads[thread ?? fewestOpen(threads)] as Thread;
      chosen.started ??= start(program);
      chosen.open++;
      try {
        const { calls } = await chosen.started;
        return (await calls.call({ task, request } as PictureRequest)) as PictureTasks[K]['result'];
      } finally {
        chosen.open--;
      }
    },
    async close() {
      for (const { started } of threads) await (await started)?.stop();
    },
  };
}

interface Thread {
  /** Tasks that are not done yet. */
  open: number;
  started: ReturnType<typeof start> | undefined;
}

function fewestOpen(threads: readonly Thread[]): number {
  let best = 0;
  for (const [i, { open }] of threads.entries()) if (open < (threads[best]?.open ?? 0)) best = i;
  return best;
}

async function start(program: URL | undefined) {
  const { port1, port2: port } = new MessageChannel();
  const calls: Calls<PictureRequest, PictureResult> = openCalls(port1);
  const closed = new DparError('openPictureThreads: expected open threads, got closed ones. Open them again.');
  if (program === undefined) {
    servePictures(port);
    port.unref();
    return { calls, stop: async () => calls.close(closed) };
  }
  // Its native library must be loaded in the main thread first, or the second thread cannot load it. It may be missing.
  await import('sharp').catch(() => {});
  const end = startWorker(program, { port }, (reason) =>
    calls.fail(
      new DparError(
        `openPictureThreads: expected a thread that reads image files, got: ${reason}. Use fewer threads, or more memory.`,
      ),
    ),
  );
  return {
    calls,
    async stop() {
      calls.close(closed);
      await end();
    },
  };
}
