import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from '@dpar/config/bundle';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { planFrechetInterval } from './frechet-interval.js';
import { type Plan, runPlan } from './jobs.js';
import { planKernelDistance } from './kernel-distance.js';
import { createMetricThreads, startJobThreads } from './metric-threads.js';
import { planPrecisionRecall } from './precision-recall.js';
import { featureStatistics } from './statistics.js';
import { gaussian } from './testing/gaussian.js';

let folder = '';
let program: URL;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-eval-'));
  program = pathToFileURL(await bundle(new URL('./job-worker.ts', import.meta.url), folder));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it('gives in threads what it gives in one, several metrics at a time', async () => {
  const [x, y] = [gaussian(700, 5, 1), gaussian(600, 5, 2)];
  const single = { ...x, data: Float32Array.from(x.data) };
  const plans: (() => Plan<unknown>)[] = [
    () => planPrecisionRecall(single, y, {}),
    () => planKernelDistance(x, y, { subsets: 5, subsetSize: 550 }),
    () => planFrechetInterval(featureStatistics(x), y, { resamples: 5 }),
  ];
  const threads = startJobThreads(2, program);
  const found = await Promise.all(plans.map((plan) => threads.run(plan())));
  await threads.close();
  expect(found).toEqual(plans.map((plan) => runPlan(plan())));
  await expect(threads.run(planPrecisionRecall(x, y, {}))).rejects.toThrow('expected a running thread');
});

it('says that a thread has ended', async () => {
  const broken = join(folder, 'broken.mjs');
  await writeFile(
    broken,
    "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { throw new Error('no'); });",
  );
  const threads = startJobThreads(2, pathToFileURL(broken));
  await expect(threads.run(planPrecisionRecall(gaussian(9, 2, 1), gaussian(9, 2, 2), {}))).rejects.toThrow('got no.');
  await threads.close();
});

it('has the metrics that take long, from the sources without threads', async () => {
  const [x, y] = [gaussian(30, 3, 1), gaussian(40, 3, 2)];
  const threads = createMetricThreads(2);
  expect(await threads.precisionRecall(x, y)).toEqual(runPlan(planPrecisionRecall(x, y, {})));
  expect((await threads.kernelDistance(x, y, { subsets: 2 })).subsetSize).toBe(15);
  const reference = featureStatistics(x);
  expect((await threads.frechetInterval(reference, y, { resamples: 3 })).resamples).toBe(3);
  expect((await threads.frechetExtrapolation(reference, y, { points: 3 })).points).toHaveLength(3);
  await expect(threads.precisionRecall(x, gaussian(9, 2, 1))).rejects.toThrow('features of equal length');
  await threads.close();
  expect(() => createMetricThreads(0)).toThrow('at least 1 thread, got 0');
});
