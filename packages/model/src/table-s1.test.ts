import { countParameters } from '@dpar/nn';
import { describe, expect, it } from 'vitest';
import { dparKind } from './dpar-kind.js';
import { llamaGenKind } from './llamagen.js';
import { dparMemory, llamaGenMemory } from './memory.js';
import { dparPreset, llamaGenPreset, type Preset, type PresetName, presets } from './presets.js';
import { compareCompute, tableS1 } from './table-s1.js';

describe('Table S1', () => {
  it.each(tableS1().map((row) => [`${row.model}-${row.resolution}`, row] as const))('%s', (_, row) => {
    expect(Math.abs(row.llamaGenGmacs - row.paper.llamaGenGmacs)).toBeLessThan(0.0151);
    expect(Math.abs(row.dparGmacs / row.paper.dparGmacs - 1)).toBeLessThan(0.004);
    expect(Math.abs(row.reductionPercent - row.paper.reductionPercent)).toBeLessThan(0.3);
  });

  it('has the figures of B at 256 px to the digit', () => {
    const row = compareCompute('B', 256, 1.81);
    expect(row.llamaGenGmacs.toFixed(2)).toBe('24.98');
    expect(row.dparGmacs.toFixed(2)).toBe('19.21');
    expect(row.reductionPercent.toFixed(1)).toBe('23.1');
  });
});

it('refuses sizes that there are not, and figures out of range', () => {
  expect(() => compareCompute('Z' as PresetName, 256, 1.81)).toThrow(
    "compareCompute: expected 'model' to be 'nano' or 'micro'",
  );
  expect(() => compareCompute('B', 100, 1.81)).toThrow('a resolution that 16 divides');
  expect(() => compareCompute('B', 256, 0.5)).toThrow('got 256 and 0.5');
  expect(() => dparPreset('B' as unknown as Preset)).toThrow("dparPreset: expected 'size' to be an object with dim");
});

describe('sizes', () => {
  it.each([
    ['B', 115.0e6],
    ['L', 351.2e6],
    ['XL', 789.4e6],
    ['XXL', 1.434e9],
  ] as const)('DPAR-%s has the number of parameters that the formulas give', (name, expected) => {
    const count = countParameters(dparKind.specs(dparPreset(presets[name])));
    expect(Math.abs(count / expected - 1)).toBeLessThan(6e-4);
  });

  it('counts memory: weights, gradients and moments are as large as the parameters say', () => {
    const config = dparPreset(presets.B);
    const count = countParameters(dparKind.specs(config));
    const memory = dparMemory(config, 4, 142);
    expect([memory.weights, memory.gradients, memory.optimizer]).toEqual([4 * count, 4 * count, 8 * count]);
    expect(memory.activations).toBe(4 * dparMemory(config, 1, 142).activations);
    const llamaGen = llamaGenPreset(presets.B);
    expect(llamaGenMemory(llamaGen, 1).cache).toBe(4 * 2 * 12 * 257 * 768);
    expect(llamaGenMemory(llamaGen, 4).weights).toBe(4 * countParameters(llamaGenKind.specs(llamaGen)));
  });
});
