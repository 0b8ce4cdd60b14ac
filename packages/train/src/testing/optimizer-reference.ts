import type { UpdateArrays, UpdateNumbers } from '../optimizer/kernels.js';

const { fround, sqrt } = Math;

/*
 * The kernels of the optimizer, an element at a time. A sum, product, quotient or root of float32 numbers that is computed
 * in double precision and then rounded is the same as one computed in float32.
 */

/** As `updateParameter`. */
export function updateParameter(arrays: UpdateArrays, scalars: UpdateNumbers): void {
  const { parameter, gradient, first, second, average } = arrays;
  const beta2 = fround(scalars.beta2);
  const rate2 = fround(scalars.rate2);
  const stepSize = fround(scalars.stepSize);
  for (let i = 0; i < parameter.length; i++) {
    const g = fround(at(gradient, i) * fround(scalars.gradientScale));
    const m = lerp(at(first, i), g, fround(scalars.rate1));
    const v = fround(fround(at(second, i) * beta2) + fround(fround(rate2 * g) * g));
    first[i] = m;
    second[i] = v;
    const divisor = fround(fround(sqrt(v)) + fround(scalars.epsilon));
    const step = fround(fround(stepSize * m) / divisor);
    parameter[i] = fround(at(parameter, i) * fround(scalars.keep)) - step;
  }
  if (average !== undefined) moveAverage(average, parameter, scalars.averageRate);
}

/** As `moveAverage`. */
export function moveAverage(average: Float32Array, parameter: Float32Array, rate: number): void {
  for (let i = 0; i < average.length; i++) average[i] = lerp(at(average, i), at(parameter, i), fround(rate));
}

/** As `addScaled`. */
export function addScaled(sum: Float32Array, data: Float32Array, scale: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + fround(fround(scale) * at(data, i));
}

/** As `sumOfSquares`. */
export function sumOfSquares(data: Float32Array): number {
  const sums = [0, 0, 0, 0, 0, 0, 0, 0] as [number, number, number, number, number, number, number, number];
  data.forEach((value, i) => {
    sums[i % 8] = (sums[i % 8] as number) + value * value;
  });
  const [a, b, c, d, e, f, g, h] = sums;
  return a + b + (c + d) + (e + f + (g + h));
}

const at = (data: Float32Array, i: number): number => data[i] as number;

function lerp(from: number, to: number, weight: number): number {
  if (weight < 0.5) return fround(from + fround(weight * fround(to - from)));
  return fround(to + fround(fround(1 - weight) * fround(from - to)));
}
