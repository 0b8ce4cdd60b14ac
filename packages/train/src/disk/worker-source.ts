import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { DparError } from '@dpar/tensor';
import type { TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { type BatchRequests, requestBatches, serveBatches } from './batch-port.js';
import { diskSource } from './disk-source.js';
import type { TokenLayout } from './layout.js';
import { tokenLayoutKinds } from './layout.js';
import { startWorker } from './start-worker.js';

/** What the worker thread is started with. */
export interface BatchWorkerData {
  readonly layout: TokenLayout;
  readonly port: MessagePort;
}

/**
 * The program of the worker thread, which lies beside this module once it is built. There is none beside its source,
 * which tests run: batches are then loaded through the same messages, but in this thread.
 */
const builtWorker = import.meta.url.endsWith('.ts') ? undefined : new URL('./batch-worker.js', import.meta.url);

/**
 * A source that reads batches in a thread of its own, so that they are read while this one computes: a training step keeps
 * its thread busy, and promises in it wait until the step ends. The thread starts with the first batch.
 * @param worker The thread's program; `undefined` for none.
 */
export function workerSource(layout: TokenLayout, worker = builtWorker): TokenSource {
  checkArguments('workerSource', { layout, worker }, { layout: tokenLayoutKinds, 'worker?': 'object' });

  const local = diskSource(layout);
  let started: { readonly requests: BatchRequests; stop(): Promise<void> } | undefined;
  return {
    ...local,
    load(images, variants) {
      started ??= start(layout, worker);
      return started.requests.load(images, variants);
    },
    async close() {
      started?.requests.close();
      await started?.stop();
    },
  };
}

function start(layout: TokenLayout, program: URL | undefined) {
  const { port1, port2: port } = new MessageChannel();
  const requests = requestBatches(port1);
  if (program === undefined) {
    serveBatches(port, diskSource(layout));
    return { requests, stop: async () => {} };
  }
  const stop = startWorker(program, { layout, port } satisfies BatchWorkerData, (what) =>
    requests.fail(new DparError(`workerSource: expected a thread that reads '${layout.path}', got: ${what}.`)),
  );
  return { requests, stop };
}
