import { expect, it } from 'vitest';
import { medianStepSeconds, validationCurve } from './curves.js';

const metrics = [
  { step: 1, seconds: 9, graphs: 1, loss: 6 },
  { step: 2, seconds: 1, graphs: 1, loss: 5, validation_loss: 4 },
  { step: 3, seconds: 7, graphs: 2, loss: 4 },
  { step: 4, seconds: 1, graphs: 2, loss: 3, validation_loss: 3 },
  { step: 5, seconds: 1, graphs: 2, loss: 1 },
];

it('sums steps, and counts those that compile as the median of the others', () => {
  expect(medianStepSeconds(metrics)).toBe(1);
  expect(validationCurve(metrics, 5e12)).toEqual([
    { step: 2, seconds: 2, teraFlop: 10, loss: 4 },
    { step: 4, seconds: 4, teraFlop: 20, loss: 3 },
  ]);
});
