import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as reference from '../testing/optimizer-reference.js';
import * as kernels from './kernels.js';

/** Kernels work on 4 or 8 elements at a time, and their memory holds 8192 of each array. */
const lengths = fc.oneof(fc.nat(20), fc.integer({ min: 8180, max: 8204 }), fc.constantFrom(16384, 16391));

/** Any finite numbers whose squares are finite in float32, subnormal ones and both zeros among them. */
const numbers = fc.oneof(
  fc.float({ min: -(2 ** 60), max: 2 ** 60, noNaN: true }),
  fc.float({ min: -(2 ** -100), max: 2 ** -100, noNaN: true }),
  fc.float({ min: -1, max: 1, noNaN: true }),
);

/** Arrays of one length: a few numbers, repeated with a period that divides no chunk. */
const arrays = (count: number) =>
  fc.record({
    length: lengths,
    numbers: fc.array(fc.array(numbers, { minLength: 1, maxLength: 13 }), { minLength: count, maxLength: count }),
  });

const repeated = (values: readonly number[] | undefined, length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => values?.[i % values.length] ?? 0);

const bits = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

/** Compares every bit, and says where the first difference is. */
function expectSameBits(actual: Float32Array, expected: Float32Array): void {
  const other = bits(expected);
  const place = bits(actual).findIndex((word, i) => word !== other[i]);
  expect({ length: actual.length, place, value: actual[place] }).toEqual({
    length: expected.length,
    place: -1,
    value: undefined,
  });
}

const rates = fc.oneof(fc.constantFrom(0, 1e-4, 0.1, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true }));

const scalars = fc.record({
  gradientScale: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 2, noNaN: true })),
  rate1: rates,
  beta2: rates,
  rate2: rates,
  keep: rates,
  stepSize: fc.double({ min: 1e-6, max: 1, noNaN: true }),
  epsilon: fc.constantFrom(1e-15, 1e-8, 1e-3),
});

describe('the kernels of the optimizer give the bits of plain float32 arithmetic:', () => {
  it('AdamW, with an average and without', () => {
    fc.assert(
      fc.property(arrays(5), scalars, fc.option(rates), ({ length, numbers }, settings, rate) => {
        const make = () => {
          const [parameter, gradient, first, second, average] = [0, 1, 2, 3, 4].map((i) =>
            repeated(numbers[i], length),
          );
          return { parameter, gradient, first, second: second?.map(Math.abs), average } as Record<
            'parameter' | 'gradient' | 'first' | 'second' | 'average',
            Float32Array
          >;
        };
        const [actual, expected] = [make(), make()];
        for (const [run, { average, ...rest }] of [
          [kernels.updateParameter, actual],
          [reference.updateParameter, expected],
        ] as const) {
          if (rate === null) run(rest, { ...settings, averageRate: 0 });
          else run({ ...rest, average }, { ...settings, averageRate: rate });
        }
        for (const name of ['parameter', 'gradient', 'first', 'second', 'average'] as const) {
          expectSameBits(actual[name], expected[name]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('averages', () => {
    fc.assert(
      fc.property(arrays(2), rates, ({ length, numbers: [a, b] }, rate) => {
        const [actual, expected, parameter] = [repeated(a, length), repeated(a, length), repeated(b, length)];
        kernels.moveAverage(actual, parameter, rate);
        reference.moveAverage(expected, parameter, rate);
        expectSameBits(actual, expected);
        expectSameBits(parameter, repeated(b, length));
      }),
      { numRuns: 40 },
    );
  });

  it('scaled sums', () => {
    fc.assert(
      fc.property(arrays(2), fc.double({ min: -2, max: 2, noNaN: true }), ({ length, numbers: [a, b] }, scale) => {
        const [actual, expected, data] = [repeated(a, length), repeated(a, length), repeated(b, length)];
        kernels.addScaled(actual, data, scale);
        reference.addScaled(expected, data, scale);
        expectSameBits(actual, expected);
        expectSameBits(data, repeated(b, length));
      }),
      { numRuns: 40 },
    );
  });

  it('sums of squares', () => {
    fc.assert(
      fc.property(arrays(1), ({ length, numbers: [a] }) => {
        const data = repeated(a, length);
        expect(kernels.sumOfSquares(data)).toBe(reference.sumOfSquares(data));
      }),
      { numRuns: 60 },
    );
  });
});

describe('sumOfSquares', () => {
  it('loses nothing where float32 would', () => {
    const data = new Float32Array(100_003).fill(2 ** -13);
    data[0] = 2 ** 8;
    expect(kernels.sumOfSquares(data)).toBe(2 ** 16 + 100_002 * 2 ** -26);
    expect(kernels.sumOfSquares(new Float32Array(0))).toBe(0);
  });

  it('shows what is not finite, wherever it is', () => {
    for (const place of [0, 8191, 8192, 8196]) {
      const data = new Float32Array(8197);
      data[place] = Number.POSITIVE_INFINITY;
      expect(kernels.sumOfSquares(data)).toBe(Number.POSITIVE_INFINITY);
      data[place] = Number.NaN;
      expect(kernels.sumOfSquares(data)).toBeNaN();
    }
    // Nothing of it is left for the next.
    expect(kernels.sumOfSquares(new Float32Array(3).fill(1))).toBe(3);
  });
});
