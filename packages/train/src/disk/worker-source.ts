import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { answerCalls, type Calls, openCalls, startWorker } from '@dpar/shards';
import { DparError } from '@dpar/tensor';
import type { Batch } from '../batches/token-set.js';
import type { TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { createDiskSource } from './disk-source.js';
import { type TokenLayout, tokenLayoutKinds } from './layout.js';

/** Start data of the worker thread. */
export interface BatchWorkerData {
  readonly layout: TokenLayout;
  readonly port: MessagePort;
}

/** Images of a batch, and a variant of each. */
interface BatchRequest {
  readonly images: Int32Array;
  readonly variants: Int32Array;
}

/**
 * Program of the worker thread, next to this module in the built package. When run from source, it is missing: the same
 * messages then load batches in this thread.
 */
const builtWorker = import.meta.url.endsWith('.ts') ? undefined : new URL('./batch-worker.js', import.meta.url);

/**
 * A source that reads batches in its own thread, while this thread computes. In a training step this thread is busy, and
 * promises wait until the step ends. The worker thread starts with the first batch.
 * @param worker Program of the thread; `undefined` to load in this thread.
 */
export function createWorkerSource(layout: TokenLayout, worker = builtWorker): TokenSource {
  checkArguments('createWorkerSource', { layout, worker }, { layout: tokenLayoutKinds, 'worker?': 'object' });

  const local = createDiskSource(layout);
  let started: ReturnType<typeof start> | undefined;
  return {
    ...local,
    load(images, variants) {
      started ??= start(layout, worker);
      return started.calls.call({ images, variants });
    },
    async close() {
      const closed = 'createWorkerSource: expected an open source of batches, got a closed one. Open it again.';
      started?.calls.close(new DparError(closed));
      await started?.stop();
    },
  };
}

function start(layout: TokenLayout, program: URL | undefined) {
  const { port1, port2: port } = new MessageChannel();
  const calls: Calls<BatchRequest, Batch> = openCalls(port1);
  if (program === undefined) {
    serveBatches(port, createDiskSource(layout));
    return { calls, stop: async () => {} };
  }
  const stop = startWorker(program, { layout, port } satisfies BatchWorkerData, (reason) =>
    calls.fail(
      new DparError(
        `createWorkerSource: expected a thread that reads '${layout.path}', got: ${reason}. Resume from a checkpoint.`,
      ),
    ),
  );
  return { calls, stop };
}

/** Answers requests for batches, in the worker thread. */
export function serveBatches(port: MessagePort, source: Pick<TokenSource, 'load'>): void {
  answerCalls(port, async ({ images, variants }: BatchRequest) => {
    const batch = await source.load(images, variants);
    const arrays: (Int32Array | Float32Array)[] = [batch.images, batch.tokens.data, batch.labels.data];
    if (batch.entropies !== undefined) arrays.push(batch.entropies.data);
    return { content: batch, moved: arrays.map(({ buffer }) => buffer as ArrayBuffer) };
  });
}
