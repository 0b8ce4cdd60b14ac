import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

const json = async (...argv: string[]) => JSON.parse((await runCli(['flops', '--json', ...argv])).stdout);

it("gives the paper's figures of B at 256 px", async () => {
  const figures = await json();
  expect(figures.llamagen_gmacs).toBeCloseTo(24.98, 2);
  expect(figures.dpar_gmacs).toBeCloseTo(19.21, 2);
  expect(figures.reduction_percent).toBeCloseTo(23.1, 1);
  expect(figures.parameters).toBe(115_021_824);
});

it('takes model, resolution and patch ratio', async () => {
  const figures = await json('--model', 'XXL', '--resolution', '384');
  expect(figures).toMatchObject({ model: 'XXL', resolution: 384, patch_ratio: 2.06 });
  expect(figures.llamagen_gmacs).toBeCloseTo(797.59, 2);
  const alone = await json('--resolution', '512', '--patch-ratio', '1');
  expect(alone.dpar_gmacs).toBeGreaterThan(alone.llamagen_gmacs);
  expect((await runCli(['flops', '--resolution', '512'])).stderr).toContain(
    '--patch-ratio: expected a number for 512 px',
  );
  expect((await runCli(['flops', '--resolution', '250'])).stderr).toContain('expected a multiple of 16, got 250');
});

it("lists all rows of Table S1 beside the paper's", async () => {
  const { rows } = await json('--table');
  expect(rows.map((row: { model: string; resolution: number }) => `${row.model}-${row.resolution}`)).toEqual([
    'B-256',
    'L-256',
    'XL-256',
    'B-384',
    'L-384',
    'XL-384',
    'XXL-384',
  ]);
  for (const { deviation_percent: deviation } of rows) {
    expect(Math.abs(deviation.llamagen_gmacs)).toBeLessThan(0.05);
    expect(Math.abs(deviation.dpar_gmacs)).toBeLessThan(0.4);
  }
  const { stdout } = await runCli(['flops', '--table']);
  expect(stdout).toContain('XXL-384    797.59  797.59     0.00 %  461.40  459.63    +0.38 %     42.2 %  42.4 %');
});

it('prints what the README shows', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  for (const argv of [['flops'], ['flops', '--table']]) expect(readme).toContain((await runCli(argv)).stdout);
});
