import { readFileSync } from 'node:fs';
import { fixturePath, readTensors } from '@dpar/fixtures';
import { isDparError } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchPatchLengths, longestPatch, type PatchingOptions, patchLengths, writePatchLengths } from './index.js';
import { algorithm1 } from './testing/algorithm-1.js';
import { anyOptions, entropies, entropyOptions, sum } from './testing/arbitraries.js';

interface Case {
  readonly entropies: number[];
  readonly threshold: number | null;
  readonly max_patch_length: number | null;
  readonly row_length: number | null;
  readonly tokens: number;
  readonly patch_lengths: number[];
}

const { cases }: { cases: Case[] } = JSON.parse(readFileSync(fixturePath('patchify.json'), 'utf8'));

describe('recorded patch lengths', () => {
  it.each(cases.map((recorded, index) => ({ index, ...recorded })))('case $index, $tokens tokens', (recorded) => {
    const options = {
      threshold: recorded.threshold,
      maxPatchLength: recorded.max_patch_length,
      rowLength: recorded.row_length,
    };
    expect([...patchLengths(recorded.entropies, options)]).toEqual(recorded.patch_lengths);
    expect([...patchLengths(Float32Array.from(recorded.entropies), options)]).toEqual(recorded.patch_lengths);
  });

  it('are there in full', () => expect(cases).toHaveLength(35));

  it.each(['dpar-dynamic4d', 'dpar-dynamic3d', 'dpar-rope1d', 'dpar-e2d1-static2'])('of the model %s', (model) => {
    const { patching } = JSON.parse(readFileSync(fixturePath(`${model}/config.json`), 'utf8'));
    const tensor = readTensors(`${model}/io.safetensors`);
    const recorded = tensor('patch_lengths');
    const options: PatchingOptions = {
      mode: patching.mode,
      threshold: patching.threshold,
      maxPatchLength: patching.max_patch_length,
      rowLength: patching.row_length,
    };
    const [batch = 0] = recorded.shape;
    const padded = batchPatchLengths(Float32Array.from(tensor('entropies').values), batch, options);
    expect(padded.shape).toEqual(recorded.shape);
    expect([...padded.data]).toEqual(recorded.values);
  });
});

describe('patchLengths', () => {
  it('is Algorithm 1', () => {
    fc.assert(
      fc.property(entropies, entropyOptions, (values, options) => {
        expect([...patchLengths(values, options)]).toEqual(algorithm1(values, options));
      }),
    );
  });

  it('covers all tokens by patches within the limits', () => {
    fc.assert(
      fc.property(entropies, anyOptions, fc.boolean(), (values, options, endOfImage) => {
        const all = [...patchLengths(values, { ...options, endOfImage })];
        const lengths = endOfImage ? all.slice(0, -1) : all;
        if (endOfImage) expect(all.at(-1)).toBe(1);
        expect(sum(lengths)).toBe(values.length + 1);
        expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1);
        expect(Math.max(...lengths)).toBeLessThanOrEqual(longestPatch(values.length + 1, options));
      }),
    );
  });

  it('lets no patch cross into the next row', () => {
    fc.assert(
      fc.property(entropies, entropyOptions, fc.integer({ min: 1, max: 12 }), (values, options, rowLength) => {
        let token = 0;
        for (const length of patchLengths(values, { ...options, rowLength })) {
          expect(Math.floor((token + length - 1) / rowLength)).toBe(Math.floor(token / rowLength));
          token += length;
        }
      }),
    );
  });

  it('makes no more patches at a higher threshold', () => {
    const threshold = fc.double({ min: -1, max: 11, noNaN: true });
    fc.assert(
      fc.property(entropies, entropyOptions, threshold, threshold, (values, options, a, b) => {
        const patches = (limit: number) => patchLengths(values, { ...options, threshold: limit }).length;
        expect(patches(Math.max(a, b))).toBeLessThanOrEqual(patches(Math.min(a, b)));
      }),
    );
  });

  it('starts a patch above the threshold, not at it', () => {
    expect([...patchLengths([9, 2, 2.5, 2], { threshold: 2 })]).toEqual([1, 2, 2]);
    expect([...patchLengths([9, 2, 2.5, 2], { threshold: Infinity })]).toEqual([1, 4]);
    expect([...patchLengths([9, 2, Infinity, 2], { threshold: 3 })]).toEqual([1, 2, 2]);
    expect([...patchLengths([], { threshold: 2 })]).toEqual([1]);
  });

  it('makes static groups, whatever the rows', () => {
    expect([...patchLengths(8, { mode: 'static', maxPatchLength: 3, rowLength: 4 })]).toEqual([3, 3, 2]);
    // Starts: 0, 1.81, 3.62, 5.43, 7.24, 9.05, rounded.
    expect([...patchLengths(10, { mode: 'static', maxPatchLength: 1.81 })]).toEqual([2, 2, 1, 2, 2, 1]);
    expect([...patchLengths(6, { mode: 'static', maxPatchLength: 1.5 })]).toEqual([2, 1, 2, 1]);
    expect([...patchLengths(3, { mode: 'token', endOfImage: true })]).toEqual([1, 1, 1, 1]);
  });

  it('reaches a fractional mean length', () => {
    const mean = fc.double({ min: 1, max: 8, noNaN: true });
    fc.assert(
      fc.property(mean, fc.integer({ min: 1, max: 2000 }), (length, tokens) => {
        const lengths = patchLengths(tokens, { mode: 'static', maxPatchLength: length });
        expect(Math.abs(lengths.length - tokens / length)).toBeLessThanOrEqual(1);
        const inner = lengths.slice(0, -1);
        expect(inner.every((one) => one === Math.floor(length) || one === Math.ceil(length))).toBe(true);
      }),
    );
  });

  it('refuses what it cannot use', () => {
    expect(() => patchLengths([1, Number.NaN], { threshold: 1 })).toThrow(
      'expected entropies in nats, got NaN for token 2',
    );
    expect(() => patchLengths([Number.NaN], { threshold: 1 })).toThrow('NaN for token 1');
    expect(() => patchLengths(4, { threshold: 1 })).toThrow('undefined for token 1');
    expect(() => patchLengths([1], { threshold: Number.NaN })).toThrow("'threshold'");
    expect(() => patchLengths([1], { maxPatchLength: 0 })).toThrow("'maxPatchLength' to be a whole number >= 1, got 0");
    expect(() => patchLengths([1], { maxPatchLength: 1.5 })).toThrow("'maxPatchLength'");
    expect(() => patchLengths([1], { rowLength: 0 })).toThrow("'rowLength'");
    expect(() => patchLengths(0, { mode: 'token' })).toThrow("'tokens'");
    expect(() => patchLengths(4, { mode: 'static' })).toThrow("'maxPatchLength' to be a number >= 1");
    expect(() => patchLengths(4, { mode: 'static', maxPatchLength: 0.9 })).toThrow('got 0.9');
    expect(() => patchLengths(4, { mode: 'other' as 'token' })).toThrow("got 'other'");
    try {
      patchLengths([Number.NaN], {});
    } catch (error) {
      expect(isDparError(error)).toBe(true);
    }
  });
});

describe('writePatchLengths', () => {
  it('writes into the start of an array that is kept', () => {
    const target = new Int32Array(8).fill(-7);
    expect(writePatchLengths(target, [5, 0, 5, 0], { threshold: 1, endOfImage: true })).toBe(4);
    expect([...target]).toEqual([1, 2, 2, 1, -7, -7, -7, -7]);
    expect(() => writePatchLengths(new Int32Array(4), [5, 0, 5, 0], {})).toThrow('a target of 5 entries, got 4');
  });
});
