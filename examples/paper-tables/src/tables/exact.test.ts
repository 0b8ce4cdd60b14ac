import { expect, it } from 'vitest';
import type { Lab } from '../lab/lab.js';
import { paperS7, paperS8 } from '../paper/tables.js';
import { fullSettings } from '../settings.js';
import { s1 } from './s1.js';
import { s6 } from './s6.js';
import { parameterFinding, parameterTable } from './s7.js';

const lab = { settings: fullSettings } as Lab;

it("makes Table S1, which agrees with the paper's", async () => {
  const { tables, findings } = await s1.make(lab);
  expect(tables[0]?.rows).toHaveLength(7);
  expect(tables[0]?.rows[0]?.slice(0, 3)).toEqual(['B-256', '24.98', '24.98']);
  expect(findings.map(({ agrees }) => agrees)).toEqual([true, true]);
});

it('makes Table S6', async () => {
  const { tables, findings } = await s6.make(lab);
  expect(tables[0]?.rows.map(([name, fid, paper]) => [name, fid, paper])).toEqual([
    ['LlamaGen-384-XXL', '2.34', '797.59'],
    ['DPAR-384-XXL', '2.30', '459.63 (-42.4 %)'],
  ]);
  expect(findings[0]?.agrees).toBe(true);
});

it('counts parameters within 5 % of those printed', () => {
  const { rows } = parameterTable(paperS7);
  for (const [, paper, ours] of rows) {
    expect(Math.abs(Number.parseFloat(ours as string) / Number.parseFloat(paper as string) - 1)).toBeLessThan(0.05);
  }
  const { agrees, text } = parameterFinding(paperS7);
  expect(agrees).toBe(false);
  expect(text).toContain('but for these: B has 115.0M, in the paper 120M.');
});

it('has as many rows as the paper prints', () => {
  expect(paperS7.map(({ rows }) => rows.length)).toEqual([4, 4, 5]);
  expect(paperS8.map(({ rows }) => rows.length)).toEqual([7, 7, 7]);
});
