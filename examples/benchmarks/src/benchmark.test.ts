import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { median, medians } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import { randomPatches } from './patches.js';

it('takes medians', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2);
  expect(
    medians([
      { a: 1, b: 6 },
      { a: 5, b: 4 },
      { a: 3, b: 5 },
    ]),
  ).toEqual({ a: 3, b: 5 });
});

it('judges a training step by the matrix product of the run', () => {
  const figuresOf = (name: string) => {
    const found = benchmarks.find((benchmark) => benchmark.name === name);
    return found?.figures([{ seconds: 4 }, { seconds: 2 }, { seconds: 9 }], () => ({ gflops: 300 })) ?? {};
  };
  const llamaGen = figuresOf('train-step/llamagen-b-256/batch-4');
  // 24.98 GMACs of linear layers and 1.21 of attention (12 layers, 2 x 256^2 x 768), twice as many operations, 3 passes.
  expect(llamaGen.gflops).toBeCloseTo((2 * 3 * 4 * (24.96 + 1.21)) / 4, 0);
  expect(llamaGen).toMatchObject({ seconds: 4, imagesPerSecond: 1 });
  expect(llamaGen.peakShare).toBeCloseTo((llamaGen.gflops ?? 0) / 300, 12);
  const dpar = figuresOf('train-step/dpar-b-256/batch-4');
  expect((dpar.gflops ?? 0) / (llamaGen.gflops ?? 1)).toBeCloseTo(0.76, 1);
});

it('makes patches of exactly the wanted number', () => {
  const images = randomPatches(5, 141, 1);
  for (const lengths of images) {
    expect(lengths).toHaveLength(141);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(256);
    expect(Math.max(...lengths)).toBe(4);
    // No patch crosses a row of 16 tokens.
    let start = 0;
    for (const length of lengths) {
      expect(Math.floor(start / 16)).toBe(Math.floor((start + length - 1) / 16));
      start += length;
    }
  }
  expect(new Set(images.map((lengths) => lengths.join())).size).toBe(5);
});

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const bench = (...argv: string[]) => spawnSync(process.execPath, [main, ...argv], { encoding: 'utf8' });

it('runs benchmarks in processes of their own and prints JSON', () => {
  const { status, stdout, stderr } = bench('--json', '--only', 'patchify', '--rounds', '1');
  expect(stderr).toContain('patchify/offline: setting up');
  expect(status).toBe(0);
  const { machine, results } = JSON.parse(stdout);
  expect(machine).toMatchObject({ node: process.versions.node, onnxruntime: expect.any(String) });
  expect(results).toEqual([{ name: 'patchify/offline', tokensPerSecond: expect.any(Number) }]);
  expect(results[0].tokensPerSecond).toBeGreaterThan(0);
});

it('refuses what it does not know', () => {
  for (const argv of [
    ['--only', 'nothing'],
    ['--rounds', '0'],
    ['--rouns', '1'],
  ]) {
    expect(bench(...argv)).toMatchObject({ status: 2, stdout: '' });
  }
});
