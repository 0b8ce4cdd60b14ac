import { describe, expect, it } from 'vitest';
import { constantSchedule, cosineSchedule } from './schedule.js';

describe('schedules', () => {
  it('keeps a constant learning rate', () => {
    expect([0, 1, 1e6].map(constantSchedule(1e-4))).toEqual([1e-4, 1e-4, 1e-4]);
  });

  it('warms up, falls as half a cosine wave and stays at its end', () => {
    const schedule = cosineSchedule({ learningRate: 2, steps: 14, warmupSteps: 4, finalFraction: 0.1 });
    expect([0, 1, 2, 3, 4].map(schedule)).toEqual([0.5, 1, 1.5, 2, 2]);
    expect(schedule(9)).toBeCloseTo(1.1, 12); // half way: the mean of 2 and 0.2
    expect(schedule(14)).toBeCloseTo(0.2, 12);
    expect(schedule(100)).toBeCloseTo(0.2, 12);
    const rates = Array.from({ length: 11 }, (_, i) => schedule(4 + i));
    expect(rates).toEqual([...rates].sort((a, b) => b - a));
  });

  it('starts at the highest rate without warm-up and refuses one that is too long', () => {
    expect(cosineSchedule({ learningRate: 1, steps: 10 })(0)).toBe(1);
    expect(() => cosineSchedule({ learningRate: 1, steps: 10, warmupSteps: 10 })).toThrow(
      'warmupSteps from 0 to 9, got 10',
    );
  });
});
