import fc from 'fast-check';
import type { PatchingOptions } from '../boundaries.js';

/** Entropies of T - 1 tokens, with equal values and zeros among them. */
export const entropies = fc.array(
  fc.oneof(fc.double({ min: 0, max: 10, noNaN: true }), fc.integer({ min: 0, max: 10 })),
  { maxLength: 80 },
);

const orNull = <V>(value: fc.Arbitrary<V>) => fc.option(value, { nil: null });

/** Options of Algorithm 1. */
export const entropyOptions: fc.Arbitrary<PatchingOptions> = fc.record({
  threshold: orNull(fc.oneof(fc.double({ min: -1, max: 11, noNaN: true }), fc.integer({ min: 0, max: 10 }))),
  maxPatchLength: orNull(fc.integer({ min: 1, max: 9 })),
  rowLength: orNull(fc.integer({ min: 1, max: 12 })),
});

/** Options of every mode. */
export const anyOptions: fc.Arbitrary<PatchingOptions> = fc.oneof(
  entropyOptions,
  fc.record({
    mode: fc.constant('static' as const),
    maxPatchLength: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.double({ min: 1, max: 9, noNaN: true })),
  }),
  fc.record({ mode: fc.constant('token' as const) }),
);

/** Patch lengths of one image: at least one patch, none longer than 6 tokens. */
export const lengths = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 40 });

/** Patch lengths of a batch of images with the same number of tokens. */
export const batchOfLengths: fc.Arbitrary<number[][]> = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4 }))
  .chain(([tokens, batch]) =>
    fc.array(
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: tokens, maxLength: tokens }).map((drawn) => {
        const cut: number[] = [];
        for (let left = tokens; left > 0; left -= cut.at(-1) ?? 0) cut.push(Math.min(left, drawn[cut.length] ?? 1));
        return cut;
      }),
      { minLength: batch, maxLength: batch },
    ),
  );

export const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
