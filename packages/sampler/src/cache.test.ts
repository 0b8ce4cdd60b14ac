import { createRandom, named } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StackCache } from './cache.js';

const [layers, heads, headDim] = [2, 3, 4];
const width = layers * heads * headDim;

describe('StackCache', () => {
  it('keeps what was appended at its place, and hides all else, in sequences of any lengths', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 150 }), fc.nat(), (C, positions, seed) => {
        const cache = new StackCache({ layers, rows: C, heads, positions, headDim });
        const random = createRandom(seed);
        const written: Float32Array[][][] = Array.from({ length: C }, () => []);
        for (let step = 0; step < positions; step++) {
          const rows = Int32Array.from({ length: C }, (_, row) => row).filter(() => random.uniform() < 0.8);
          const normal = () => random.fillNormal(new Float32Array(rows.length * width));
          const added = [normal(), normal()] as const;
          cache.append(added, rows);
          rows.forEach((row, i) => {
            written[row]?.push(added.map((values) => values.slice(i * width, (i + 1) * width)));
          });
        }
        const inputs = cache.inputs();
        const [, , , L = 0] = named(inputs, 'mask').shape;
        expect(L % 32 === 0 || L === positions).toBe(true);
        expect([...cache.lengths]).toEqual(written.map((steps) => steps.length));
        written.forEach((steps, row) => {
          const mask = named(inputs, 'mask').data.subarray(row * L, (row + 1) * L);
          expect([...mask].map((value) => value === 0)).toEqual(Array.from(mask, (_, i) => i < steps.length));
          steps.forEach((values, position) => {
            for (let part = 0; part < 2 * layers; part++) {
              const name = `${part % 2 === 0 ? 'keys' : 'values'}.${part >> 1}`;
              for (let head = 0; head < heads; head++) {
                const at = ((row * heads + head) * L + position) * headDim;
                const from = ((part >> 1) * heads + head) * headDim;
                const expected = values[part % 2]?.slice(from, from + headDim);
                expect(named(inputs, name).data.slice(at, at + headDim)).toEqual(expected);
              }
            }
          });
        });
      }),
      { numRuns: 30 },
    );
  });

  it('is one memory from the beginning to the end', () => {
    const cache = new StackCache({ layers, rows: 2, heads, positions: 100, headDim });
    const { buffer } = named(cache.inputs(), 'keys.0').data;
    for (let i = 0; i < 100; i++) cache.append([new Float32Array(2 * width), new Float32Array(2 * width)], [0, 1]);
    expect(named(cache.inputs(), 'keys.0').data.buffer).toBe(buffer);
    expect(named(cache.inputs(), 'keys.0').shape).toEqual([2, heads, 100, headDim]);
  });

  it('is in shared memory for an engine in another thread', () => {
    const size = { layers, rows: 2, heads, positions: 40, headDim };
    const caches = [new StackCache(size), new StackCache(size, { shared: true })];
    for (const cache of caches) {
      for (let i = 0; i < 35; i++)
        cache.append([new Float32Array(width).fill(i), new Float32Array(width).fill(-i)], [1]);
    }
    const [ordinary, shared] = caches.map((cache) => cache.inputs());
    for (const [name, { data, shape }] of Object.entries(shared ?? {})) {
      expect(data.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect({ shape, data: [...data] }).toEqual({ shape, data: [...named(ordinary ?? {}, name).data] });
    }
  });

  it('refuses a position too many', () => {
    const cache = new StackCache({ layers, rows: 1, heads, positions: 1, headDim });
    const added = [new Float32Array(width), new Float32Array(width)] as const;
    cache.append(added, [0]);
    expect(() => cache.append(added, [0])).toThrow('at most 1 positions');
  });
});
