import { expect, it } from 'vitest';
import { figure, formatSeconds, millions, percent } from './format.js';

it('formats figures with the digits that matter', () => {
  expect([0.00091, 0.0003, 0.0312, 3.24159, 52.26, 1234.5, 0, -0.00012].map((value) => figure(value))).toEqual([
    ...['9.1e-4', '3e-4', '0.0312', '3.24', '52.3', '1235', '0.00', '-1.2e-4'],
  ]);
  expect([undefined, Number.NaN, Number.POSITIVE_INFINITY].map((value) => figure(value))).toEqual([
    '-',
    '-',
    'Infinity',
  ]);
  expect(figure(3.24159, 5)).toBe('3.2416');
});

it('formats durations, shares and counts', () => {
  expect([41.2, 185, 7800].map(formatSeconds)).toEqual(['42 s', '3 min 5 s', '2 h 10 min']);
  expect([percent(0.1234), millions(590_000)]).toEqual(['12.3 %', '0.59 M']);
});
