import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createStages } from '@dpar/example-kit';
import { expect, it } from 'vitest';
import { Cache, digestOf } from './cache.js';
import { TimeLeft } from './time-left.js';
import { type Work, WorkLog } from './work.js';

const work: Work = { kind: 'runs', identity: 'a', name: 'A run', total: 4, cost: 10 };

const open = (folder: string) => new WorkLog(new Cache(folder), createStages(true), new TimeLeft(20, 2));

const recordOf = async (folder: string) => JSON.parse(await readFile(join(folder, 'runs', 'a.time.json'), 'utf8'));

it('adds the time of an interrupted sitting to that of the next one', async () => {
  const folder = await temporaryFolder();
  const stopped = open(folder).ensure(work, false, async (progress) => {
    progress.update(1);
    throw new Error('stop');
  });
  await expect(stopped).rejects.toThrow('stop');
  const first = await recordOf(folder);
  expect(first).toMatchObject({ id: 'runs/a', name: 'A run', total: 4, sittings: 1 });
  const log = open(folder);
  await log.ensure(work, false, async (progress) => progress.update(4));
  const second = await recordOf(folder);
  expect(second.sittings).toBe(2);
  expect(second.seconds).toBeGreaterThan(first.seconds);
  expect(second.cpuSeconds).toBeGreaterThanOrEqual(first.cpuSeconds);
  expect(log.take()).toEqual([second]);
  expect(log.take()).toEqual([]);
});

it('only reads what is there, with the time that it took once', async () => {
  const folder = await temporaryFolder();
  await open(folder).ensure(work, false, async () => {});
  const log = open(folder);
  const never = async () => {
    throw new Error('made again');
  };
  await log.ensure(work, true, never);
  await log.ensure(work, true, never);
  expect(log.take()).toEqual([await recordOf(folder)]);
});

it('keeps JSON values by all that decides on them', async () => {
  const log = open(await temporaryFolder());
  const { identity: _, ...json } = work;
  const value = (recipe: unknown, made: number) => log.json(json, recipe, async () => ({ made }));
  expect(await value({ a: 1, b: [2] }, 1)).toEqual({ made: 1 });
  expect(await value({ b: [2], a: 1 }, 2)).toEqual({ made: 1 });
  expect(await value({ a: 1, b: [3] }, 3)).toEqual({ made: 3 });
});

it('tells values apart that differ in anything but the order of keys', () => {
  expect(digestOf({ a: 1, b: undefined })).toBe(digestOf({ a: 1 }));
  expect(digestOf({ a: { c: 1, b: 2 } })).toBe(digestOf({ a: { b: 2, c: 1 } }));
  expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
});
