import type { MessagePort } from 'node:worker_threads';
import { DparError } from '@dpar/tensor';
import type { Batch } from '../batches/token-set.js';
import type { TokenSource } from '../batches/token-source.js';

/** What is asked for through a port: images and their variants. */
interface BatchRequest {
  readonly id: number;
  readonly images: Int32Array;
  readonly variants: Int32Array;
}

/** What comes back: the batch, or what went wrong. */
type BatchReply = { readonly id: number } & ({ readonly batch: Batch } | { readonly error: string });

/** Answers requests for batches, one after the other in the order in which they come. Batches are moved, not copied. */
export function serveBatches(port: MessagePort, source: Pick<TokenSource, 'load'>): void {
  let last = Promise.resolve();
  const answer = async ({ id, images, variants }: BatchRequest): Promise<void> => {
    try {
      const batch = await source.load(images, variants);
      port.postMessage({ id, batch } satisfies BatchReply, memoryOf(batch));
    } catch (error) {
      port.postMessage({ id, error: error instanceof Error ? error.message : String(error) } satisfies BatchReply);
    }
  };
  port.on('message', (request: BatchRequest) => {
    last = last.then(() => answer(request));
  });
}

function memoryOf({ images, tokens, labels, entropies }: Batch): ArrayBuffer[] {
  const arrays = [images, tokens.data, labels.data, ...(entropies ? [entropies.data] : [])];
  return arrays.map(({ buffer }) => buffer as ArrayBuffer);
}

/** The other end of {@link serveBatches}. */
export interface BatchRequests {
  /** @throws DparError saying what went wrong on the other end. */
  load(images: Int32Array, variants: Int32Array): Promise<Batch>;
  /** No answers will come any more: requests that wait and later ones fail with this error. */
  fail(error: Error): void;
  close(): void;
}

/** Asks for batches through a port. The port keeps the process alive only while an answer is waited for. */
export function requestBatches(port: MessagePort): BatchRequests {
  const waiting = new Map<number, { resolve: (batch: Batch) => void; reject: (error: Error) => void }>();
  let failure: Error | undefined;
  let next = 0;
  port.on('message', (reply: BatchReply) => {
    const request = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) port.unref();
    if ('error' in reply) request?.reject(new DparError(reply.error));
    else request?.resolve(reply.batch);
  });
  port.unref();
  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
    port.unref();
  };
  return {
    load: (images, variants) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        const id = next++;
        waiting.set(id, { resolve, reject });
        port.ref();
        port.postMessage({ id, images, variants } satisfies BatchRequest);
      }),
    fail,
    close() {
      fail(new DparError('requestBatches: expected an open source of batches, got a closed one. Open it again.'));
      port.close();
    },
  };
}
