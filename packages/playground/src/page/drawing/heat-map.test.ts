import { expect, it } from 'vitest';
import { heatColour, heatLab } from './heat-map.js';

const values = Array.from({ length: 33 }, (_, i) => i / 32);

it('rises in lightness in proportion to the value', () => {
  const lightness = values.map((t) => heatLab(t)[0]);
  for (let i = 1; i < lightness.length; i++) {
    expect((lightness[i] as number) - (lightness[i - 1] as number)).toBeCloseTo(0.75 / 32, 2);
  }
});

it('has steps that look alike: no two differ by a factor above three', () => {
  const distances = values.slice(1).map((t, i) => {
    const [from, to] = [heatLab(values[i] as number), heatLab(t)];
    return Math.hypot(...to.map((value, k) => value - (from[k] as number)));
  });
  expect(Math.max(...distances) / Math.min(...distances)).toBeLessThan(3);
});

it('gives colours for CSS, also outside the scale', () => {
  expect(heatColour(-1)).toBe(heatColour(0));
  expect(heatColour(2)).toBe(heatColour(1));
  expect(heatColour(0.5)).toMatch(/^rgb\(\d{1,3} \d{1,3} \d{1,3}\)$/);
  expect(new Set(values.map(heatColour)).size).toBe(values.length);
});
