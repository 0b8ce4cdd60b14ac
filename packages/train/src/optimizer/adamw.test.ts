import { float32, type HostTensor, int32 } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { AdamW } from './adamw.js';
import { clipFactor, copyParameters, globalNorm, updateAverage } from './named-tensors.js';

describe('AdamW', () => {
  it('moves by the learning rate against the sign of a constant gradient, whatever its size', () => {
    // With a constant gradient both corrected moments are g and g^2, so that each step is lr g / (|g| + epsilon).
    const parameters = { a: float32([4], [1, 1, 1, 1]) };
    const gradients = { a: float32([4], [3, -0.002, 1e-6, 0]) };
    const optimizer = new AdamW(parameters, { epsilon: 1e-8 });
    for (let step = 0; step < 5; step++) optimizer.update(gradients, { learningRate: 0.01 });
    const moved = [1 - 0.05, 1 + 0.05, 1 - 0.05 / 1.01, 1];
    parameters.a.data.forEach((value, i) => {
      expect(value).toBeCloseTo(moved[i] ?? 0, 5);
    });
    expect(optimizer.step).toBe(5);
  });

  it('decays tensors of two or more dimensions, decoupled from the gradient', () => {
    const parameters = { matrix: float32([1, 2], [2, -4]), vector: float32([2], [2, -4]) };
    const gradients = { matrix: float32([1, 2]), vector: float32([2]) };
    new AdamW(parameters, { weightDecay: 0.5 }).update(gradients, { learningRate: 0.1 });
    expect([...parameters.matrix.data]).toEqual([Math.fround(2 * 0.95), Math.fround(-4 * 0.95)]);
    expect([...parameters.vector.data]).toEqual([2, -4]);
  });

  it('weighs past gradients by its betas', () => {
    // Two updates with gradients 1 and -2: first moment 0.1 then -0.11, second 0.05 then 0.2475.
    const parameters = { a: float32([1], [0]) };
    const optimizer = new AdamW(parameters, { betas: [0.9, 0.95], epsilon: 0 });
    optimizer.update({ a: float32([1], [1]) }, { learningRate: 1 });
    expect(parameters.a.data[0]).toBeCloseTo(-1, 6);
    optimizer.update({ a: float32([1], [-2]) }, { learningRate: 1 });
    const step = -0.11 / 0.19 / Math.sqrt(0.2475 / 0.0975);
    expect(parameters.a.data[0]).toBeCloseTo(-1 - step, 6);
    expect(optimizer.moments.a?.first[0]).toBeCloseTo(-0.11, 6);
    expect(optimizer.moments.a?.second[0]).toBeCloseTo(0.2475, 6);
  });

  it('scales gradients as if they had been scaled before', () => {
    const make = () => ({ a: float32([3], [1, 2, 3]) });
    const [one, other] = [make(), make()];
    new AdamW(one).update({ a: float32([3], [4, -8, 2]) }, { learningRate: 0.1, gradientScale: 0.25 });
    new AdamW(other).update({ a: float32([3], [1, -2, 0.5]) }, { learningRate: 0.1 });
    expect(one.a.data).toEqual(other.a.data);
  });

  it('continues exactly from restored moments', () => {
    const gradient = (step: number) => ({ a: float32([3], [Math.sin(step), Math.cos(step), step]) });
    const run = (optimizer: AdamW, from: number, to: number) => {
      for (let step = from; step < to; step++) optimizer.update(gradient(step), { learningRate: 0.01 });
    };
    const whole = { a: float32([3], [1, 2, 3]) };
    run(new AdamW(whole), 0, 6);
    const parts = { a: float32([3], [1, 2, 3]) };
    const first = new AdamW(parts);
    run(first, 0, 3);
    const second = new AdamW(parts);
    second.restore(first.step, first.moments);
    run(second, 3, 6);
    expect(parts.a.data).toEqual(whole.a.data);
  });

  it('moves an average on as if that came after it', () => {
    const parameters = { a: float32([3], [1, 2, 3]), b: float32([2, 2], [5, 6, 7, 8]) };
    const gradients = { a: float32([3], [1, -1, 2]), b: float32([2, 2], [1, 2, -3, 4]) };
    const [together, apart] = [copyParameters(parameters), copyParameters(parameters)];
    const optimizer = new AdamW(parameters);
    for (let step = 0; step < 3; step++) {
      optimizer.update(gradients, { learningRate: 0.1, average: { tensors: together, decay: 0.9 } });
      updateAverage(apart, parameters, 0.9);
    }
    expect(together).toEqual(apart);
    expect(together.a?.data).not.toEqual(float32([3], [1, 2, 3]).data);
  });

  it('takes the gradient itself as first moment where beta is 0', () => {
    const parameters = { a: float32([1], [0]) };
    const optimizer = new AdamW(parameters, { betas: [0, 0.5] });
    optimizer.update({ a: float32([1], [1]) }, { learningRate: 1 });
    optimizer.update({ a: float32([1], [1e-12]) }, { learningRate: 1 });
    expect(optimizer.moments.a?.first[0]).toBe(Math.fround(1e-12));
  });

  it('names what does not fit, and changes nothing then', () => {
    const parameters = { a: float32([2], [1, 2]), b: float32([1], [3]) };
    const optimizer = new AdamW(parameters);
    const wrong = { a: float32([2], [1, 1]), b: float32([2]) };
    expect(() => optimizer.update(wrong, { learningRate: 1 })).toThrow("1 elements for 'b', got 2");
    expect(() => optimizer.update({ a: wrong.a }, { learningRate: 1 })).toThrow("float32 tensor for 'b', got none");
    const right = { a: wrong.a, b: float32([1]) };
    const average = (tensors: Record<string, HostTensor>, decay = 0.9) => ({
      learningRate: 1,
      average: { tensors, decay },
    });
    expect(() => optimizer.update(right, average({ a: wrong.a }))).toThrow("float32 tensor for 'b', got none");
    expect(() => optimizer.update(right, average(wrong))).toThrow("an average of 1 elements for 'b', got 2");
    expect(() => optimizer.update(right, average(right, 1.5))).toThrow('a decay of the average from 0 to 1, got 1.5');
    expect([...parameters.a.data, optimizer.step]).toEqual([1, 2, 0]);
    expect(() => optimizer.restore(1, {})).toThrow("two moments of 2 elements for 'a', got none");
    expect(() => new AdamW(parameters, { betas: [1, 0.9] })).toThrow('betas in [0, 1)');
  });
});

describe('gradient clipping', () => {
  it('measures all tensors together', () => {
    expect(globalNorm({ a: float32([1], [3]), b: float32([2, 3], [0, 0, 0, 0, 4, 12]) })).toBe(13);
    const data = Array.from({ length: 1003 }, (_, i) => Math.sin(i));
    expect(globalNorm({ data: float32([1003], data) })).toBeCloseTo(Math.hypot(...data), 5);
    expect(() => globalNorm({ a: int32([1]) })).toThrow("globalNorm: expected a float32 tensor for 'a', got int32");
  });

  it('shortens long gradients to the maximum and leaves short ones', () => {
    expect(clipFactor(4, 1)).toBeCloseTo(0.25, 6);
    expect(clipFactor(0.5, 1)).toBe(1);
    expect(clipFactor(0, 1)).toBe(1);
    expect(clipFactor(Number.NaN, 1)).toBeNaN();
  });
});
