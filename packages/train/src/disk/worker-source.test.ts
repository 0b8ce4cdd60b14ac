import { MessageChannel } from 'node:worker_threads';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { openCalls } from '@dpar/shards';
import { describe, expect, it } from 'vitest';
import { randomVariants, rowsOf, writeLlamaGen } from '../testing/disk.js';
import { builtWorker } from '../testing/worker.js';
import { findTokenLayout } from './find-layout.js';
import { createWorkerSource, serveBatches } from './worker-source.js';

describe('createWorkerSource', () => {
  it('reads in a thread of its own', async () => {
    const root = await temporaryFolder();
    const data = randomVariants(6, 10);
    await writeLlamaGen(root, data);
    const source = createWorkerSource(await findTokenLayout(root), await builtWorker('disk/batch-worker'));
    const [images, variants] = [Int32Array.of(5, 0, 3), Int32Array.of(9, 0, 4)];
    const batches = [
      source.load(images, variants),
      source.load(
        variants.map((v) => v % 6),
        images,
      ),
    ];
    expect(await batches[0]).toEqual({ images, ...rowsOf(data, images, variants) });
    expect((await batches[1])?.images).toEqual(Int32Array.of(3, 0, 4));
    await expect(source.load(Int32Array.of(6), Int32Array.of(0))).rejects.toThrow('expected images from 0 to 5, got 6');
    const waiting = expect(source.load(images, variants)).rejects.toThrow('got a closed one');
    await source.close();
    await waiting;
  });

  it('says that the thread has ended', async () => {
    const root = await temporaryFolder();
    await writeLlamaGen(root, randomVariants(1, 1));
    const source = createWorkerSource(
      await findTokenLayout(root),
      new URL('data:text/javascript,throw new Error("no memory")'),
    );
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(source.load(Int32Array.of(0), Int32Array.of(0))).rejects.toThrow(
        `expected a thread that reads '${root}', got: no memory. Resume from a checkpoint.`,
      );
    }
  });

  it('answers in the order of the requests', async () => {
    const { port1, port2 } = new MessageChannel();
    const finished: number[] = [];
    serveBatches(port2, {
      load: async (images) => {
        await new Promise((resolve) => setTimeout(resolve, images[0]));
        finished.push(images[0] ?? 0);
        throw new Error(`not ${images[0]}`);
      },
    });
    const calls = openCalls(port1);
    const results = await Promise.allSettled(
      [20, 0].map((ms) => calls.call({ images: Int32Array.of(ms), variants: Int32Array.of(0) })),
    );
    expect(finished).toEqual([20, 0]);
    expect(results.map((result) => result.status === 'rejected' && result.reason.message)).toEqual(['not 20', 'not 0']);
    calls.close(new Error('closed'));
  });
});
