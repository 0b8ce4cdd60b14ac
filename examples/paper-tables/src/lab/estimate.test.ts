import { expect, it } from 'vitest';
import { type TableName, tableNames } from '../report/result.js';
import { fullSettings, quickSettings } from '../settings.js';
import { tables as allTables } from '../tables/index.js';
import { estimateOf, totalOf } from './estimate.js';
import { TimeLeft } from './time-left.js';

const estimate = (settings: typeof fullSettings, tables: readonly TableName[] = tableNames) =>
  estimateOf(
    settings,
    tables.flatMap((name) => allTables[name].rows(settings)),
  );

const runs = (settings: typeof fullSettings, tables: readonly TableName[]) =>
  [...estimate(settings, tables).keys()].filter((name) => name.startsWith('train '));

it('names what several tables share once', () => {
  expect(runs(fullSettings, ['s1', 's6'])).toEqual([]);
  expect(runs(fullSettings, ['1.8'])).toEqual([expect.stringContaining('train entropy model')]);
  // The entropy model, and three seeds of four variants of depth; three of positions share one variant with them.
  expect(runs(fullSettings, ['s2'])).toHaveLength(1 + 3 * 4);
  expect(runs(fullSettings, ['s2', 's3'])).toHaveLength(1 + 3 * 6);
  expect(runs(fullSettings, ['s2', 's7', 's8', 'larger-patches'])).toHaveLength(1 + 3 * 4);
});

it('expects a quick run to take less than 15 minutes, even if one of two cores is idle all the time', () => {
  expect(totalOf(estimate(quickSettings))).toBeLessThan(15 * 60);
});

it('tells the time left at the pace that was measured', () => {
  const left = new TimeLeft(100, 2);
  expect(left.secondsLeft(0, 0)).toBe(50);
  left.skip('a', 20);
  left.skip('a', 20);
  expect(left.secondsLeft(0, 0)).toBe(40);
  left.done('b', 10, 30);
  expect(left.secondsLeft(0, 0)).toBe(70 * 3);
  expect(left.secondsLeft(10, 10)).toBe(60 * 2);
  left.skip('c', 1000);
  expect(left.secondsLeft(0, 0)).toBe(0);
});
