import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { heatColour, heatMap, image, montage, patchedImage, patchOutlines, pictureOf, toPng } from './picture.js';

const red = Uint8Array.from([255, 0, 0]);
const blue = Uint8Array.from([0, 0, 255]);

describe('pictures', () => {
  it('are put beside one another with transparent gaps', () => {
    const { width, height, data } = montage([pictureOf(red), pictureOf(blue), pictureOf(red)], 2, 1);
    expect([width, height]).toEqual([3, 3]);
    const pixel = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
    expect([pixel(0, 0), pixel(1, 0), pixel(2, 0), pixel(0, 2), pixel(2, 2)]).toEqual([
      [255, 0, 0, 255],
      [0, 0, 0, 0],
      [0, 0, 255, 255],
      [255, 0, 0, 255],
      [0, 0, 0, 0],
    ]);
  });

  it('are square', () => {
    expect(() => pictureOf(new Uint8Array(5))).toThrow('expected bytes [S, S, 3], got 5');
  });

  it('show values as colours, from dark to light', () => {
    const brightness = [0, 0.25, 0.5, 0.75, 1].map((value) => heatColour(value).reduce((sum, part) => sum + part, 0));
    expect(brightness).toEqual([...brightness].sort((a, b) => a - b));
    const { data } = heatMap([undefined, 0, 1, 5], 1, 1);
    expect([...data.subarray(0, 4)]).toEqual([128, 128, 128, 255]);
    expect([...data.subarray(12, 15)]).toEqual(heatColour(1));
    expect(() => heatMap([0, 1, 2], 1, 1)).toThrow('a square number of values, got 3');
  });

  it('show the outlines of patches, from token to token', () => {
    const path = patchOutlines([1, 3, 4, 2, 2, 4], 4, 20);
    // Each outline is one pixel inside its patch: left, top, and the width with both rounded corners.
    const outlines = path
      .split('z')
      .slice(0, -1)
      .map((part) => {
        const [left = 0, top = 0, across = 0] = (part.match(/M([\d.]+) ([\d.]+)h([\d.]+)/) ?? []).slice(1).map(Number);
        const radius = Number(part.match(/a([\d.]+)/)?.[1]);
        return [left - radius - 1, top - 1, across + 2 * radius + 2].map(Math.round);
      });
    expect(outlines).toEqual([
      [0, 0, 20],
      [20, 0, 60],
      [0, 20, 80],
      [0, 40, 40],
      [40, 40, 40],
      [0, 60, 80],
    ]);
    const { markup } = patchedImage(pictureOf(new Uint8Array(3 * 16)), [2, 2], 2, 'two <patches>');
    expect(markup).toContain('aria-label="two &lt;patches&gt;"');
    expect(markup).toContain(`d="${patchOutlines([2, 2], 2, 20)}"`);
  });

  it('become PNG files', () => {
    const picture = heatMap([0.1, 0.9, 0.5, 0.2], 1, 3);
    const { width, height, data, channels } = decode(toPng(picture));
    expect([width, height, channels]).toEqual([6, 6, 4]);
    expect([...data]).toEqual([...picture.data]);
  });

  it('are part of a page', () => {
    // Noise does not compress: more bytes than become text together.
    const noise = pictureOf(Uint8Array.from({ length: 3 * 120 * 120 }, (_, i) => 1e4 * Math.abs(Math.sin(i * i))));
    const png = toPng(noise);
    expect(png.length).toBeGreaterThan(3 << 12);
    expect(image(noise, 'a "b"').markup).toBe(
      `<img src="data:image/png;base64,${Buffer.from(png).toString('base64')}" width="120" height="120" alt="a &quot;b&quot;">`,
    );
  });
});
