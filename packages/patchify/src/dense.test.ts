import type { HostTensor } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DensePatches, densePatches, padPatchLengths } from './index.js';
import { batchOfLengths, sum } from './testing/arbitraries.js';

describe('densePatches', () => {
  it('lays out as by hand', () => {
    const padded = padPatchLengths([
      [1, 2, 1],
      [1, 3],
    ]);
    const { slotToken, tokenSlot, slotMask } = densePatches(padded, { tokens: 4, slots: 3 });
    expect([...slotToken.data]).toEqual([0, -1, -1, 1, 2, -1, 3, -1, -1, 4, -1, -1, 5, 6, 7, -1, -1, -1]);
    expect([...tokenSlot.data]).toEqual([0, 3, 4, 6, 9, 12, 13, 14]);
    expect([...slotMask.data]).toEqual([1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 1, 1, 0, 0]);
    expect([slotToken.shape, tokenSlot.shape, slotMask.shape]).toEqual([[2, 3, 3], [8], [2, 3, 3]]);
  });

  it('leaves out the last token and the last patch on request', () => {
    const padded = padPatchLengths([
      [1, 2, 1],
      [1, 3],
    ]);
    const { slotToken, tokenSlot, slotMask } = densePatches(padded, { tokens: 3, slots: 3, patches: 2 });
    expect([...slotToken.data]).toEqual([0, -1, -1, 1, 2, -1, 3, -1, -1, 4, 5, -1]);
    expect([...tokenSlot.data]).toEqual([0, 3, 4, 6, 9, 10]);
    expect([...slotMask.data]).toEqual([1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0]);
    const oneToken = densePatches(padPatchLengths([[1, 1]]), { tokens: 1, slots: 2 });
    expect([...oneToken.slotToken.data]).toEqual([0, -1, -1, -1]);
    expect([...oneToken.slotMask.data]).toEqual([1, 0, 1, 0]); // the second patch's only token is left out
    const onePatch = densePatches(padPatchLengths([[1, 1]]), { tokens: 2, slots: 1, patches: 1 });
    expect([...onePatch.tokenSlot.data]).toEqual([0, -1]);
  });

  it('is a pair of inverse maps that keeps tokens in their patches and in order', () => {
    const choice = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(batchOfLengths, choice, choice, choice, (images, tokensOff, patchesOff, slotsMore) => {
        const T = sum(images[0] ?? []);
        const padded = padPatchLengths(images);
        const tokens = Math.max(0, T - tokensOff);
        const patches = Math.max(0, (padded.shape[1] ?? 0) - patchesOff);
        const slots = Math.max(...images.flat()) + slotsMore;
        const dense = densePatches(padded, { tokens, slots, patches });
        const slotToken = dense.slotToken.data;
        const tokenSlot = dense.tokenSlot.data;
        tokenSlot.forEach((slot, row) => {
          if (slot >= 0) expect(slotToken[slot]).toBe(row);
        });
        slotToken.forEach((row, slot) => {
          if (row >= 0) expect(tokenSlot[row]).toBe(slot);
        });
        images.forEach((lengths, b) => {
          let t = 0;
          lengths.forEach((length, m) => {
            for (let p = 0; p < length; p++, t++) {
              const expected = m < patches ? (b * patches + m) * slots + p : -1;
              if (t < tokens) expect(tokenSlot[b * tokens + t]).toBe(expected);
            }
          });
        });
        dense.slotMask.data.forEach((marked, slot) => {
          const first = slot - (slot % slots);
          const empty = slotToken.subarray(first, first + slots).every((row) => row < 0);
          const expected = (slotToken[slot] ?? -1) >= 0 || (empty && slot === first);
          expect(marked).toBe(expected ? 1 : 0);
        });
      }),
    );
  });

  it('takes more patches than there are columns as padding', () => {
    const { slotToken, slotMask } = densePatches(padPatchLengths([[2]]), { tokens: 2, slots: 2, patches: 3 });
    expect([...slotToken.data]).toEqual([0, 1, -1, -1, -1, -1]);
    expect([...slotMask.data]).toEqual([1, 1, 1, 0, 1, 0]);
  });

  it('gives tensors that @dpar/tensor takes', () => {
    const dense: DensePatches = densePatches(padPatchLengths([[2]]), { tokens: 2, slots: 2 });
    const tensors: HostTensor[] = [dense.slotToken, dense.tokenSlot, dense.slotMask];
    expect(tensors.map(({ dtype }) => dtype)).toEqual(['int32', 'int32', 'bool']);
  });

  it('refuses what does not fit', () => {
    const padded = padPatchLengths([[1, 3], [4]]);
    expect(() => densePatches(padded, { tokens: 4, slots: 3 })).toThrow(
      'from 0 to 3 (slots), got 4 at image 1, patch 0',
    );
    expect(() => densePatches(padded, { tokens: 5, slots: 4 })).toThrow(
      'expected patches of 5 tokens, got 4 in image 0',
    );
    expect([...densePatches(padded, { tokens: 5, slots: 4, partial: true }).tokenSlot.data]).toEqual([
      0, 4, 5, 6, -1, 8, 9, 10, 11, -1,
    ]);
    expect(() => densePatches({ shape: [3], data: [1, 1, 1] }, { tokens: 3, slots: 1 })).toThrow(
      'patch lengths [B, M]',
    );
    expect(() => densePatches(padded, { tokens: 4, slots: 0 })).toThrow("'slots'");
    expect(() => densePatches({ shape: [2, 3], data: [1, 1, 2, 2, 0, 2] }, { tokens: 4, slots: 2 })).toThrow(
      'zeros after the last patch only, got 2 at image 1, patch 2',
    );
  });
});
