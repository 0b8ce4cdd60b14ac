import { expect, it } from 'vitest';
import { BatchQueue } from './batch-queue.js';

const batchOf = (step: number) => ({ step });

it('asks for the next batches when one is taken, each once', async () => {
  const asked: number[] = [];
  const load = async (step: number) => {
    asked.push(step);
    return batchOf(step);
  };
  const queue = new BatchQueue(load, 2, 6);
  expect(await queue.take(0)).toEqual(batchOf(0));
  expect(asked).toEqual([0, 1, 2]);
  for (const step of [1, 2, 3, 4, 5]) expect(await queue.take(step)).toEqual(batchOf(step));
  expect(asked).toEqual([0, 1, 2, 3, 4, 5]);
  // A jump, as after a restored checkpoint.
  expect(await queue.take(2)).toEqual(batchOf(2));
  expect(asked.slice(6)).toEqual([2, 3, 4]);
});

it('leaves a failure to the step that needs the batch, and tries again when asked again', async () => {
  let broken = true;
  const load = async (step: number) => {
    if (step === 1 && broken) throw new Error('unreadable');
    return batchOf(step);
  };
  const queue = new BatchQueue(load, 2, 9);
  expect(await queue.take(0)).toEqual(batchOf(0));
  await expect(queue.take(1)).rejects.toThrow('unreadable');
  broken = false;
  expect(await queue.take(1)).toEqual(batchOf(1));
});
