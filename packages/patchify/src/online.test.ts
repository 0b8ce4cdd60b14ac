import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOnlinePatcher, type OnlinePatcher, patchLengths } from './index.js';
import { anyOptions, entropies } from './testing/arbitraries.js';

/** Lengths from the answers of a patcher that stands after x_0. */
function lengthsOnline(patcher: OnlinePatcher, values: readonly number[]): number[] {
  const lengths = [1];
  for (const entropy of values) {
    if (patcher.next(entropy)) lengths.push(1);
    else lengths.push((lengths.pop() ?? 0) + 1);
  }
  return lengths;
}

describe('createOnlinePatcher', () => {
  it('gives the lengths that patchLengths gives', () => {
    fc.assert(
      fc.property(entropies, anyOptions, (values, options) => {
        const patcher = createOnlinePatcher(options);
        const expected = [...patchLengths(values, options)];
        expect(lengthsOnline(patcher, values)).toEqual(expected);
        expect(patcher.snapshot()).toEqual({
          tokens: values.length + 1,
          patches: expected.length,
          patchLength: expected.at(-1),
        });
      }),
    );
  });

  it('goes on from a snapshot or in a clone, which do not disturb each other', () => {
    fc.assert(
      fc.property(entropies, entropies, entropies, anyOptions, (before, one, other, options) => {
        const patcher = createOnlinePatcher(options);
        lengthsOnline(patcher, before);
        const state = patcher.snapshot();
        const clone = patcher.clone();
        lengthsOnline(patcher, one);
        const restored = createOnlinePatcher(options, state);
        for (const branch of [clone, restored]) {
          lengthsOnline(branch, other);
          const expected = patchLengths([...before, ...other], options);
          expect([branch.patches, branch.patchLength]).toEqual([expected.length, expected.at(-1)]);
        }
        expect(patcher.patches).toBe(patchLengths([...before, ...one], options).length);
        expect(patcher.tokens).toBe(1 + before.length + one.length);
      }),
    );
  });

  it('needs entropies in one mode only, and does not place a token that it refuses', () => {
    const patcher = createOnlinePatcher({ threshold: 1 });
    expect(() => patcher.next()).toThrow('got NaN for token 1');
    expect(patcher.tokens).toBe(1);
    expect(patcher.next(0)).toBe(true);
    expect(patcher.next(0)).toBe(false);
    const fixed = createOnlinePatcher({ mode: 'static', maxPatchLength: 2 });
    expect([fixed.next(), fixed.next(), fixed.next()]).toEqual([false, true, false]);
  });
});
