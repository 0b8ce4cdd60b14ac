import { readTensors } from '@dpar/fixtures';
import { describe, expect, it } from 'vitest';
import { gridTable, patchTable } from './index.js';
import { largestDifference } from './testing/formulas.js';

// The recorded tables were computed in float32, angles too: up to 8 rad they are off by a few 1e-7.
const tolerance = 1e-6;

describe('recorded rotary tables', () => {
  it.each([
    { model: 'dpar-dynamic4d', embedding: 'dynamic_4d' as const },
    { model: 'dpar-dynamic3d', embedding: 'dynamic_3d' as const },
    { model: 'dpar-e2d1-static2', embedding: 'dynamic_4d' as const },
  ])('of the patches of $model, padded ones too', ({ model, embedding }) => {
    const tensor = readTensors(`${model}/io.safetensors`);
    const recorded = tensor('rope');
    const { shape, values } = tensor('patch_lengths');
    const table = patchTable({ shape, data: values }, { embedding, headDim: 32, gridWidth: 8 });
    expect(table.shape).toEqual(recorded.shape);
    expect(largestDifference(table.data, recorded.values)).toBeLessThan(tolerance);
  });

  it.each([
    { model: 'llamagen', headDim: 32, clsTokens: 1 },
    { model: 'entropy-model', headDim: 16, clsTokens: 0 },
  ])('of the tokens of $model', ({ model, headDim, clsTokens }) => {
    const recorded = readTensors(`${model}/io.safetensors`)('rope');
    const table = gridTable({ headDim, gridHeight: 8, gridWidth: 8, clsTokens });
    expect(table.shape).toEqual([1, ...recorded.shape]);
    expect(largestDifference(table.data, recorded.values)).toBeLessThan(tolerance);
  });
});
