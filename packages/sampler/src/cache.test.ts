import { createRandom, createReferenceEngine, type DeviceTensor, float32, type HostTensor, named } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CacheSize, cacheName, type StackCache } from './cache.js';
import { CacheMaker } from './cache-maker.js';
import { HostCache } from './host-cache.js';

const [layers, heads, headDim] = [2, 3, 4];
const width = layers * heads * headDim;
const engine = createReferenceEngine();

/** Caches in both kinds of memory. */
const kinds = {
  host: new CacheMaker(engine, layers),
  device: new CacheMaker({ ...engine, hasDeviceMemory: true }, layers),
};

async function onHost(tensor: HostTensor | DeviceTensor): Promise<HostTensor> {
  return 'data' in tensor ? tensor : tensor.read();
}

/** Appends rows of random numbers: [R, layers, H, S, headDim]. Returns them. */
async function appendRandom(cache: StackCache, rows: Int32Array, positions: number, seed: number) {
  const shape = [rows.length, layers * heads, positions, headDim];
  const random = createRandom(seed, 0);
  const normal = () => float32(shape, random.fillNormal(new Float32Array(rows.length * width * positions)));
  const added = { keys: normal(), values: normal() };
  if (!cache.isOnDevice) await cache.append(added, rows, positions);
  else {
    const [keys, values] = [await engine.upload(added.keys), await engine.upload(added.values)];
    await cache.append({ keys, values }, rows, positions);
  }
  return added;
}

/** Fills a cache of random lengths, and compares it with what was written. */
async function expectKept(maker: CacheMaker, C: number, positions: number, seed: number): Promise<void> {
  const cache = maker.create({ layers, rows: C, heads, positions, headDim });
  const random = createRandom(seed, 1);
  /** By row, position and part: all blocks and heads. */
  const expected: Float32Array[][][] = Array.from({ length: C }, () => []);
  for (let step = 0; step < positions; step++) {
    const rows = Int32Array.from({ length: C }, (_, row) => row).filter(() => random.uniform() < 0.8);
    const longest = Math.max(...Array.from(rows, (row) => cache.lengths[row] as number), 0);
    // The first step reads several positions.
    const S = step === 0 ? Math.max(1, Math.min(3, positions - longest - 1)) : 1;
    if (rows.length === 0 || longest + S > positions) continue;
    const added = await appendRandom(cache, rows, S, seed + step);
    rows.forEach((row, i) => {
      for (let s = 0; s < S; s++) {
        const parts = [added.keys, added.values].map(({ data }) =>
          Float32Array.from({ length: width }, (_, at) => {
            const from = ((i * layers * heads + Math.floor(at / headDim)) * S + s) * headDim;
            return data[from + (at % headDim)] as number;
          }),
        );
        expected[row]?.push(parts);
      }
    });
  }
  expect([...cache.lengths]).toEqual(expected.map((steps) => steps.length));
  const inputs = cache.inputs();
  const mask = await onHost(named(inputs, 'mask'));
  const L = mask.shape[3] ?? 0;
  expect(L % 32 === 0 || L === positions).toBe(true);
  for (const [row, steps] of expected.entries()) {
    const visible = mask.data.subarray(row * L, (row + 1) * L);
    expect([...visible].map((value) => value === 0)).toEqual(Array.from(visible, (_, i) => i < steps.length));
  }
  for (let part = 0; part < 2 * layers; part++) {
    const name = cacheName(part % 2 === 0 ? 'keys' : 'values', part >> 1);
    const { data } = await onHost(named(inputs, name));
    for (const [row, steps] of expected.entries()) {
      for (const [position, values] of steps.entries()) {
        for (let head = 0; head < heads; head++) {
          const at = ((row * heads + head) * L + position) * headDim;
          const from = ((part >> 1) * heads + head) * headDim;
          expect(data.slice(at, at + headDim)).toEqual(values[part % 2]?.slice(from, from + headDim));
        }
      }
    }
  }
  cache.dispose();
}

describe.each(Object.entries(kinds))('caches in the memory of the %s', (_, maker) => {
  it('keep what was appended at its place, and hide all else, in sequences of any lengths', async () => {
    const cases = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 70 }), fc.nat());
    await fc.assert(
      fc.asyncProperty(cases, ([C, positions, seed]) => expectKept(maker, C, positions, seed)),
      { numRuns: 12 },
    );
  });

  it('begin anew with cleared rows, and keep the others', async () => {
    const cache = maker.create({ layers, rows: 2, heads, positions: 40, headDim });
    const both = Int32Array.of(0, 1);
    for (let step = 0; step < 34; step++) await appendRandom(cache, both, 1, step);
    const before = await onHost(named(cache.inputs(), 'values.1'));
    cache.clear([0]);
    const { values } = await appendRandom(cache, Int32Array.of(0), 1, 99);
    const after = await onHost(named(cache.inputs(), 'values.1'));
    expect([...cache.lengths]).toEqual([1, 34]);
    expect(after.shape).toEqual([2, heads, 40, headDim]);
    expect(after.data.subarray(heads * 40 * headDim)).toEqual(before.data.subarray(heads * 40 * headDim));
    expect(after.data.slice(0, headDim)).toEqual(values.data.slice(heads * headDim, (heads + 1) * headDim));
    cache.hideBefore(1, 5);
    const mask = await onHost(named(cache.inputs(), 'mask'));
    expect([...mask.data].flatMap((value, at) => (value === 0 ? [at] : []))).toEqual([
      0,
      ...Array.from({ length: 29 }, (_, i) => 45 + i),
    ]);
  });

  it('refuse a position too many', async () => {
    const cache = maker.create({ layers, rows: 1, heads, positions: 1, headDim });
    const row = Int32Array.of(0);
    await appendRandom(cache, row, 1, 1);
    await expect(appendRandom(cache, row, 1, 2)).rejects.toThrow('at most 1 positions');
  });
});

describe('HostCache', () => {
  const size: CacheSize = { layers, rows: 2, heads, positions: 100, headDim };

  it('is one memory from the beginning to the end', async () => {
    const cache = new HostCache(size);
    const { buffer } = named(cache.inputs(), 'keys.0').data;
    for (let i = 0; i < 100; i++) await appendRandom(cache, Int32Array.of(0, 1), 1, i);
    expect(named(cache.inputs(), 'keys.0').data.buffer).toBe(buffer);
    expect(named(cache.inputs(), 'keys.0').shape).toEqual([2, heads, 100, headDim]);
  });

  it('is in shared memory for an engine in another thread', async () => {
    const caches = [new HostCache(size), new HostCache(size, { shared: true })];
    for (const cache of caches) {
      for (let i = 0; i < 35; i++) await appendRandom(cache, Int32Array.of(1), 1, i);
    }
    const [ordinary, shared] = caches.map((cache) => cache.inputs());
    for (const [name, { data, shape }] of Object.entries(shared ?? {})) {
      expect(data.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect({ shape, data: [...data] }).toEqual({ shape, data: [...named(ordinary ?? {}, name).data] });
    }
  });
});
