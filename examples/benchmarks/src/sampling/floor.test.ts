import { dparPreset, llamaGenPreset, presets } from '@dpar/model';
import type { WeightFormat } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { dparCost, llamaGenCost, type SamplingCost } from './floor.js';
import { dparConfig, type EntropyModelSize, entropyConfig, llamaGenConfig } from './variant.js';

const llamaGen = llamaGenPreset(presets.B);
const dpar = dparPreset(presets.B);
const entropyModel = (size: EntropyModelSize, weights: WeightFormat) => ({ config: entropyConfig(size, 16), weights });

it('counts what LlamaGen reads and multiplies', () => {
  // 12 blocks of 4 x 768^2 + 3 x 768 x 2048, and 16384 x 768: 97.5 M weights, 390 MB for each of 256 tokens.
  const weights = 12 * 7_077_888 + 12_582_912;
  expect(weights).toBe(97_517_568);
  // 0 + 1 + ... + 255 = 32640 positions are read, of 2 x 768 floats in each of 12 blocks, for two rows.
  const cached = 2 * 32_640 * 12 * 1536;
  expect(llamaGenCost(llamaGen, 'float32').bytes).toBe(256 * 4 * weights + 4 * cached);
  expect(llamaGenCost(llamaGen, 'int8').bytes).toBe(256 * 1.03125 * weights + 4 * cached);
  expect(llamaGenCost(llamaGen, 'int4').bytes).toBe(256 * 0.625 * weights + 4 * cached);
  // 1 + 2 + ... + 256 = 32896 positions are multiplied.
  const flops = 2 * 2 * (256 * weights + 32_896 * 12 * 1536);
  expect(llamaGenCost(llamaGen, 'float32').flops).toBe(flops);
  expect(llamaGenCost(llamaGen, 'int4').flops).toBe(flops);
});

it('counts the parts of DPAR as often as they step', () => {
  // 128 patches of two tokens.
  const encoder = 7_077_888 + 2 * 589_824;
  const patch = 2 * 589_824;
  const global = 8 * 7_077_888 + 3 * 589_824;
  const decoder = 3 * 7_077_888 + 12_582_912;
  // GPT-T: 6 blocks of 4 x 512^2 + 3 x 512 x 1536, and 16384 x 512.
  const entropy = 6 * 3_407_872 + 8_388_608;
  const cost = dparCost(dpar, 'float32', 2, entropyModel('T', 'int8'));
  const weightBytes = 4 * (255 * encoder + 127 * patch + 128 * global + 256 * decoder) + 255 * 1.03125 * entropy;
  const cached = 32_385 * 1536 + 2 * 8128 * 8 * 1536 + 2 * 32_640 * 3 * 1536 + 32_385 * 6 * 1024;
  expect(cost.bytes).toBe(weightBytes + 4 * cached);
  const products = 255 * (encoder + entropy) + 127 * patch + 2 * (128 * global + 256 * decoder);
  const attended = 32_640 * 1536 + 2 * 8256 * 8 * 1536 + 2 * 32_896 * 3 * 1536 + 32_640 * 6 * 1024;
  expect(cost.flops).toBe(2 * (products + attended));
});

it('bounds what patching can save, whatever computes it', () => {
  const speedup = (size: EntropyModelSize, entropyWeights: WeightFormat, bound: keyof SamplingCost): number => {
    const cost = dparCost(dpar, 'float32', 1.81, entropyModel(size, entropyWeights));
    return llamaGenCost(llamaGen, 'float32')[bound] / cost[bound];
  };
  expect(speedup('T', 'int8', 'bytes')).toBeCloseTo(1.2, 2);
  expect(speedup('T', 'int4', 'bytes')).toBeCloseTo(1.24, 2);
  expect(speedup('T', 'int8', 'flops')).toBeCloseTo(1.16, 2);
  expect(speedup('B', 'int8', 'bytes')).toBeCloseTo(0.98, 2);
  expect(speedup('B', 'int8', 'flops')).toBeCloseTo(0.82, 2);
});

it('counts a boundary head in place of the entropy model', () => {
  const without = dparCost(dpar, 'int8', 2);
  const headed = {
    ...dpar,
    boundaryHead: { hiddenWidth: 256, hiddenLayers: 2, neighbours: [1, 15, 16], threshold: null },
  };
  const cost = dparCost(headed, 'int8', 2);
  // 3 x 768 x 256, 256 x 256 and 256 weights, read and multiplied for each token but the last.
  const head = 589_824 + 65_536 + 256;
  expect(cost.bytes - without.bytes).toBeCloseTo(255 * 1.03125 * head, 0);
  expect(cost.flops - without.flops).toBe(2 * 255 * head);
});

it.each([
  ['B', 1.3, 1.38],
  ['L', 1.48, 1.53],
  ['XL', 1.55, 1.58],
] as const)('bounds what patching can save with a boundary head at size %s', (size, bytes, flops) => {
  const variant = { size, batch: 1, gridSize: 16, weights: 'float32' } as const;
  const config = dparConfig({ ...variant, patches: { by: 'head', targetMeanPatchLength: 1.81 } });
  const cost = dparCost(config, 'float32', 1.81);
  const compared = llamaGenCost(llamaGenConfig(variant), 'float32');
  expect(compared.bytes / cost.bytes).toBeCloseTo(bytes, 2);
  expect(compared.flops / cost.flops).toBeCloseTo(flops, 2);
});
