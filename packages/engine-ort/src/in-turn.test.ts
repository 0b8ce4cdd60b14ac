import { float32, type HostTensorOf, named } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { createOrtEngine } from './index.js';
import { inTurn } from './runtime.js';

it('gives every run of onnxruntime-web its own results, however many overlap', async () => {
  const engine = await createOrtEngine({ runtime: 'web', threads: 1 });
  const functions = [1, 2, 3].map((count) =>
    engine.compile((ops, inputs) =>
      Object.fromEntries(
        Array.from({ length: 4 * count }, (_, i) => [`y${i}`, ops.add(named(inputs, 'x'), i)] as const),
      ),
    ),
  );
  const runs = Array.from({ length: 60 }, async (_, k) => {
    const outputs = await functions[k % 3]?.run({ x: float32([2], [k, 2 * k]) });
    return Object.values(outputs ?? {}).map((y) => [...(y as HostTensorOf<'float32'>).data]);
  });
  for (const [k, results] of (await Promise.all(runs)).entries()) {
    expect(results).toEqual(Array.from({ length: 4 * ((k % 3) + 1) }, (_, i) => [k + i, 2 * k + i]));
  }
  await engine.dispose();
});

it('keeps the order, also after a call that fails', async () => {
  const order: number[] = [];
  const call = (number: number, ms: number) =>
    inTurn(async () => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      order.push(number);
      if (number === 1) throw new Error('failed');
      return number;
    });
  const calls = [call(0, 20), call(1, 5), call(2, 0)];
  expect(await Promise.allSettled(calls)).toMatchObject([
    { value: 0 },
    { reason: { message: 'failed' } },
    { value: 2 },
  ]);
  expect(order).toEqual([0, 1, 2]);
});
