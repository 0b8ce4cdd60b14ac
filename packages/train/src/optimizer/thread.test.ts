import { createRandom, float32, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { builtWorker } from '../testing/worker.js';
import { AdamW } from './adamw.js';
import { clipFactor, copyParameters, globalNorm } from './named-tensors.js';
import { createOptimizerThread, createOptimizerThreadFor } from './thread.js';

const shapes = { a: [300, 7], b: [5], c: [40, 50], d: [2000], e: [1] };

function random(seed: number): Record<string, HostTensor> {
  const random = createRandom(seed);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const tensor = float32(shape);
      random.fillNormal(tensor.data);
      return [name, tensor];
    }),
  );
}

const dataOf = (tensors: Tensors<HostTensor>) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, Float32Array.from(data as Float32Array)]),
  );

const settings = (norm: number) => ({ learningRate: 0.01, gradientScale: clipFactor(norm, 0.5) });

/** An update whose settings depend on the norm of the gradients. */
async function update(optimizer: AdamW, ...[gradients, options]: Parameters<AdamW['begin']>): Promise<void> {
  const begun = await optimizer.begin(gradients, options);
  await begun.apply(settings(begun.gradientNorm));
}

/** Some updates alone, or with a thread. */
async function updated(program: URL | undefined | 'alone', averaged: boolean) {
  const parameters = random(1);
  const average = averaged ? { tensors: copyParameters(parameters), decay: 0.9 } : undefined;
  const optimizer = new AdamW(parameters);
  const thread = program === 'alone' ? undefined : createOptimizerThread(program);
  for (let step = 0; step < 4; step++) {
    const gradients = random(10 + step);
    if (thread) await update(optimizer, gradients, { average, thread });
    else optimizer.update(gradients, { ...settings(globalNorm(gradients)), average });
    expect(dataOf(gradients)).toEqual(dataOf(random(10 + step)));
  }
  await thread?.close();
  const { moments, step } = optimizer;
  return { parameters: dataOf(parameters), average: average && dataOf(average.tensors), moments, step };
}

describe('createOptimizerThread', () => {
  it.each([false, true])('gives the same bits as one thread; with an average: %s', async (averaged) => {
    const expected = await updated('alone', averaged);
    expect(await updated(undefined, averaged)).toEqual(expected);
    expect(await updated(await builtWorker('optimizer/worker'), averaged)).toEqual(expected);
  });

  it('leaves all as it was if the update is cancelled', async () => {
    const [parameters, gradients] = [random(1), random(2)];
    const optimizer = new AdamW(parameters);
    const thread = createOptimizerThread();
    const begun = await optimizer.begin(gradients, { thread });
    expect(begun.gradientNorm).toBe(globalNorm(random(2)));
    await begun.cancel();
    expect(dataOf(parameters)).toEqual(dataOf(random(1)));
    expect(dataOf(gradients)).toEqual(dataOf(random(2)));
    expect(optimizer.step).toBe(0);
    expect(named(optimizer.moments, 'a').first).toEqual(new Float32Array(2100));
    // It goes on.
    await update(optimizer, gradients, { thread });
    expect(optimizer.step).toBe(1);
    await thread.close();
  });

  it('does not move memory that holds something else, too', async () => {
    const memory = new Float32Array(300);
    const view = (start: number): HostTensor => ({
      dtype: 'float32',
      shape: [100],
      data: memory.subarray(start, start + 100),
    });
    const parameters = { a: view(0), b: view(100), c: float32([50]) };
    const optimizer = new AdamW(parameters);
    const thread = createOptimizerThread();
    const gradients = { a: float32([100], new Float32Array(100).fill(1)), b: float32([100]), c: float32([50]) };
    await update(optimizer, gradients, { thread });
    expect(memory.length).toBe(300);
    expect(memory[0]).toBeCloseTo(-0.01, 5);
    await thread.close();
  });

  it('says that the thread has ended', async () => {
    const parameters = random(1);
    const thread = createOptimizerThread(new URL('data:text/javascript,throw new Error("no more")'));
    await expect(new AdamW(parameters).begin(random(2), { thread })).rejects.toThrow(
      'expected a thread that updates parameters, got: no more',
    );
    await thread.close();
    await expect(thread.take([])).rejects.toThrow('createOptimizerThread');
  });

  it('is for large optimizers', () => {
    expect(createOptimizerThreadFor(random(1))).toBeUndefined();
  });
});
