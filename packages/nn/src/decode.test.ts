import { createRandom, float32, type HostTensor, int32, referenceOps as ops } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BlockCache, decodeStack, scaledTable } from './decode.js';
import { feedForwardWidth } from './feed-forward.js';
import type { StackConfig } from './gpt-config.js';
import { causalMask, masked } from './mask.js';
import { initializeParameters } from './parameters.js';
import { gridRotaryData } from './rotary-table.js';
import { stackSpecs, transformerStack } from './stack.js';

/** Runs positions one after the other against a cache of `room` positions. */
function decodeAll(
  config: StackConfig,
  parameters: Record<string, HostTensor>,
  x: HostTensor,
  layers: number,
  room: number,
) {
  const [R = 0, length = 0, D = 0] = x.shape;
  const headDim = D / config.nHead;
  const { shape: tableShape, data } = gridRotaryData(
    { ...config, blockSize: 16, ropeBase: 100, clsTokenNum: 1 },
    length,
  );
  const table = float32(tableShape, scaledTable(data, headDim));
  const shape = [R, config.nHead, room, headDim];
  const caches: BlockCache<HostTensor>[] = Array.from({ length: layers }, () => ({
    keys: float32(shape),
    values: float32(shape),
  }));
  const outputs: HostTensor[] = [];
  for (let position = 0; position < length; position++) {
    const step = decodeStack(
      ops,
      parameters,
      'layers',
      {
        x: ops.reshape(ops.slice(x, 1, position, 1), [R, D]),
        table: ops.slice(table, 1, position, 1),
        mask: float32([1, 1, 1, room], new Float32Array(room).fill(masked, position)),
        caches,
      },
      config,
    );
    outputs.push(ops.reshape(step.x, [R, 1, D]));
    caches.forEach((cache, layer) => {
      for (const [kind, added] of [
        ['keys', step.keys[layer]],
        ['values', step.values[layer]],
      ] as const) {
        for (let row = 0; row < R * config.nHead; row++) {
          const from = added?.data.subarray(row * headDim, (row + 1) * headDim) as Float32Array;
          (cache[kind].data as Float32Array).set(from, (row * room + position) * headDim);
        }
      }
    });
  }
  return ops.concat(outputs, 1);
}

describe('decodeStack', () => {
  it('gives position by position what transformerStack gives at once', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 4),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
        (nHead, layers, length) => {
          const config: StackConfig = { dim: 16, nHead, multipleOf: 8, normEps: 1e-5 };
          const parameters = initializeParameters(stackSpecs('layers', layers, config), 5);
          for (const tensor of Object.values(parameters))
            (tensor.data as Float32Array).forEach((v, i, all) => {
              all[i] = v * 20;
            });
          const x = float32([2, length, 16], createRandom(length).fillNormal(new Float32Array(2 * length * 16)));
          const table = gridRotaryData({ ...config, blockSize: 16, ropeBase: 100, clsTokenNum: 1 }, length);
          const whole = transformerStack(ops, parameters, 'layers', layers, x, table, causalMask(ops, length), config);
          const steps = decodeAll(config, parameters, x, layers, 12);
          const scale = Math.max(...whole.data.map(Math.abs));
          whole.data.forEach((value, i) => {
            expect(Math.abs(value - (steps.data[i] as number)) / scale).toBeLessThan(1e-5);
          });
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('a selection of cached sequences', () => {
  it('gives each row what the whole batch gives it, in any order', () => {
    const config: StackConfig = { dim: 16, nHead: 2, multipleOf: 8, normEps: 1e-5 };
    const parameters = initializeParameters(stackSpecs('layers', 2, config), 5);
    const normal = (seed: number, ...shape: number[]) => {
      const tensor = float32(shape);
      createRandom(seed).fillNormal(tensor.data);
      return tensor;
    };
    const caches = [1, 2].map((seed) => ({ keys: normal(seed, 5, 2, 6, 8), values: normal(seed + 5, 5, 2, 6, 8) }));
    // Sequences of 0 to 4 positions.
    const visible = Float32Array.from({ length: 30 }, (_, i) => (i % 6 < Math.floor(i / 6) ? 0 : masked));
    const step = { mask: float32([5, 1, 1, 6], visible), caches };
    const [x, table] = [normal(8, 5, 16), normal(9, 5, 1, 4, 2)];
    const whole = decodeStack(ops, parameters, 'layers', { ...step, x, table }, config);
    const rows = int32([3], [4, 0, 2]);
    const selection = { rows, places: int32([5], [1, 0, 2, 0, 0]) };
    const take = (tensor: HostTensor) => ops.takeRows(tensor, rows);
    const part = decodeStack(ops, parameters, 'layers', { ...step, selection, x: take(x), table: take(table) }, config);
    expect(part.x).toEqual(take(whole.x));
    expect(part.keys).toEqual(whole.keys.map(take));
    expect(part.values).toEqual(whole.values.map(take));
  });
});

describe('feedForwardWidth', () => {
  it.each([
    [768, 256, 2048],
    [1024, 256, 2816],
    [1280, 256, 3584],
    [64, 32, 192],
  ])('%i -> %i', (width, multipleOf, expected) => {
    expect(feedForwardWidth(width, multipleOf)).toBe(expected);
  });
});
