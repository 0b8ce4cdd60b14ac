import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesFromImages, imagesFromBytes, peakSignalToNoiseRatio } from './pixels.js';

describe('imagesFromBytes', () => {
  it('separates the colours and scales 0..255 to -1..1', () => {
    // Two images of 1 x 1 pixel.
    const images = imagesFromBytes(Uint8Array.of(0, 255, 51, 255, 0, 204), 1);
    expect(images.shape).toEqual([2, 3, 1, 1]);
    expect([...images.data]).toEqual([-1, 1, Math.fround(-0.6), 1, -1, Math.fround(0.6)]);
    // One image of 2 x 2 pixels: planes of red, green and blue.
    const bytes = Uint8Array.from({ length: 12 }, (_, i) => (i % 3 === 1 ? 255 : 0));
    expect([...imagesFromBytes(bytes, 2).data]).toEqual([-1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1]);
  });

  it('is undone by bytesFromImages', () => {
    const pixels = fc.uint8Array({ minLength: 24, maxLength: 24 });
    fc.assert(
      fc.property(pixels, (bytes) => {
        expect(bytesFromImages(imagesFromBytes(bytes, 2))).toEqual(bytes);
        const wide = imagesFromBytes(bytes, 4, 1);
        expect(wide.shape).toEqual([2, 3, 1, 4]);
        expect(bytesFromImages(wide)).toEqual(bytes);
      }),
    );
  });

  it('refuses bytes that are no whole images', () => {
    expect(() => imagesFromBytes(new Uint8Array(13), 2)).toThrow('expected images of 2x2 pixels with 3 bytes each');
  });
});

describe('bytesFromImages', () => {
  it('clips', () => {
    const images = { dtype: 'float32', shape: [1, 3, 1, 1], data: Float32Array.of(-1.5, 7, 0) } as const;
    expect([...bytesFromImages(images)]).toEqual([0, 255, 128]);
  });
});

describe('peakSignalToNoiseRatio', () => {
  it('is 10 log10(255^2 / mean squared error)', () => {
    expect(peakSignalToNoiseRatio(Uint8Array.of(0, 0, 0, 0), Uint8Array.of(255, 255, 255, 255))).toBeCloseTo(0, 12);
    // Mean squared error 16.25.
    expect(peakSignalToNoiseRatio(Uint8Array.of(10, 20, 30, 40), Uint8Array.of(12, 15, 36, 40))).toBeCloseTo(
      36.02227,
      5,
    );
    expect(peakSignalToNoiseRatio(Uint8Array.of(7), Uint8Array.of(7))).toBe(Number.POSITIVE_INFINITY);
    expect(() => peakSignalToNoiseRatio(Uint8Array.of(7), new Uint8Array(2))).toThrow(
      'two images of one size, got 1 and 2',
    );
  });
});
