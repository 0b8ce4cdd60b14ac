import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { clusterArithmetic, formatArithmetic, measured, vqMacs } from '../testing/cluster-arithmetic.js';

const rows = clusterArithmetic();
const row = (work: string) => {
  const found = rows.find((one) => one.work === work);
  if (found === undefined) throw new Error(`no row '${work}'`);
  return found;
};

it('counts what can be counted by hand', () => {
  const tokens = row('tokens, VQ-16');
  expect(tokens.items).toBe(12_811_670);
  expect(tokens.cpuHours).toBeCloseTo(12_811_670 / 2.42 / 3600, 6);
  const samples = row('samples, DPAR-B');
  expect(samples.cpuHours).toBeCloseTo((50_000 * 256) / 268 / 3600, 6);
  // Twice 19.21 and 125.30 GMACs, for guidance: Table S1 as it is counted here.
  expect(samples.macs / 1e9).toBeCloseTo(38.42, 1);
  expect(row('samples, DPAR-XL').cpuHours / samples.cpuHours).toBeCloseTo(125.3 / 19.21, 2);
  // GPT-B: 256 positions of 12 (4 D^2 + 3 D F) + V D weights, and attention 2 T^2 D in each of 12 layers.
  const weights = 12 * (4 * 768 ** 2 + 3 * 768 * 2048) + 16384 * 768;
  expect(row('entropies, GPT-B').macs).toBe(256 * weights + 12 * 2 * 256 ** 2 * 768);
  // The first convolution alone, of 3 to 128 channels by 3 x 3, is 0.2 GMACs at 256 pixels.
  expect(vqMacs('encoder', 512)).toBe(4 * vqMacs('encoder', 256));
  expect(vqMacs('encoder', 256) / 1e9).toBeGreaterThan((3 * 128 * 9 * 256 ** 2) / 1e9);
});

it('has rates that fit one another: no measured work is faster than a matrix product', () => {
  const flops = (work: string, perSecond: number) => (2 * row(work).macs * perSecond) / 1e9;
  const reached = [
    flops('tokens, VQ-16', measured.encodedImagesPerSecond),
    flops('pixels of samples, VQ-16', measured.decodedImagesPerSecond),
    flops('entropies, GPT-B', measured.entropiesPerSecond.B),
    flops('entropies, T', measured.entropiesPerSecond.T),
    flops('samples, DPAR-B', measured.sampledTokensPerSecond / 256),
  ];
  for (const gflops of reached) {
    expect(gflops).toBeGreaterThan(10);
    expect(gflops).toBeLessThan(350);
  }
});

it('is what the page shows', async () => {
  const page = await readFile(new URL('../../cluster/README.md', import.meta.url), 'utf8');
  expect(page).toContain(formatArithmetic(rows));
  const { encodedImagesPerSecond, decodedImagesPerSecond, sampledTokensPerSecond, entropiesPerSecond } = measured;
  for (const rate of [encodedImagesPerSecond, decodedImagesPerSecond, sampledTokensPerSecond]) {
    expect(page).toContain(`| ${rate} `);
  }
  for (const rate of Object.values(entropiesPerSecond)) expect(page).toContain(`| ${rate} `);
});
