import { describe, expect, it } from 'vitest';
import { padPatchLengths, patchStatistics } from './index.js';

const images = [
  [1, 2, 2],
  [1, 4],
];

describe('patchStatistics', () => {
  it('counts patches, tokens and padding', () => {
    expect(patchStatistics(padPatchLengths(images, 4))).toEqual({
      images: 2,
      tokens: 10,
      patches: 5,
      meanLength: 2,
      tokenReduction: 0.5,
      histogram: [0, 2, 2, 0, 1],
      padding: 3,
      paddingWaste: 0.375,
    });
  });

  it('finds the same in images without padding', () => {
    const padded = patchStatistics(padPatchLengths(images, 4));
    expect(patchStatistics(images)).toEqual({ ...padded, padding: 0, paddingWaste: 0 });
    const { shape, data } = padPatchLengths(images, 4);
    expect(patchStatistics({ shape, data: [...data] })).toEqual(padded);
  });

  it('has numbers for nothing at all', () => {
    const none = { images: 0, tokens: 0, patches: 0, meanLength: 0, tokenReduction: 0, padding: 0, paddingWaste: 0 };
    expect(patchStatistics([])).toEqual({ ...none, histogram: [0] });
    expect(patchStatistics(padPatchLengths([]))).toEqual({ ...none, histogram: [0] });
  });
});
