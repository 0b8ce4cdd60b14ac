import { expect, it } from 'vitest';
import { Course, sparkline } from './sparkline.js';

it('draws values as bars from the lowest to the highest', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline([5, 5, 5], 8)).toBe('▁▁▁');
  expect(sparkline([], 8)).toBe('');
  // Pairs become their means: 0.5, 2.5, 4.5, 6.5.
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 4)).toBe('▁▃▆█');
});

it('keeps the course of any number of values in few', () => {
  const course = new Course();
  for (let i = 0; i < 100_000; i++) course.add(i);
  course.add(Number.NaN);
  const { values } = course;
  expect(values.length).toBeGreaterThanOrEqual(128);
  expect(values.length).toBeLessThan(256);
  // Even values stay evenly spaced.
  const steps = values.slice(1).map((value, i) => value - (values[i] ?? 0));
  expect(new Set(steps.map((step) => step.toFixed(6))).size).toBe(1);
  expect(values[0]).toBeLessThan(1000);
  expect(values.at(-1)).toBeGreaterThan(99_000);
});
