import { describe, expect, it } from 'vitest';
import { formatColor, parseColor } from './color.js';

describe('parseColor', () => {
  it.each([
    ['white', [255, 255, 255]],
    ['#ff8800', [255, 136, 0]],
    ['#F80', [255, 136, 0]],
    [' rgb(255, 136, 0) ', [255, 136, 0]],
    ['Teal', [0, 128, 128]],
  ])('reads %s', (text, expected) => {
    expect(parseColor(text)).toEqual(expected);
  });

  it.each(['', 'no colour', '#ff88', 'transparent', '#ff880080', 'rgba(1, 2, 3, 0.5)'])('refuses %j', (text) => {
    expect(parseColor(text)).toBeUndefined();
  });

  it('reads what formatColor writes', () => {
    expect(formatColor([0, 136, 255])).toBe('#0088ff');
    expect(parseColor(formatColor([1, 22, 133]))).toEqual([1, 22, 133]);
  });
});
