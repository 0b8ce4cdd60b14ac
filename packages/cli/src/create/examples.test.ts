import { expect, it } from 'vitest';
import { exampleIndices } from './examples.js';

it('takes the first picture of each class, then the second ones', () => {
  expect(exampleIndices(Int32Array.of(0, 0, 0, 1, 2, 2), 3)).toEqual([0, 3, 4, 1, 5, 2]);
});

it('takes twelve at most, evenly spread, also of one class or many', () => {
  const ofOne = exampleIndices(new Int32Array(100), 1);
  expect([ofOne.length, ofOne[0], ofOne.at(-1)]).toEqual([12, 0, 99]);
  const ofMany = exampleIndices(
    Int32Array.from({ length: 99 }, (_, i) => i),
    99,
  );
  expect([new Set(ofMany).size, ofMany[0], ofMany.at(-1)]).toEqual([12, 0, 98]);
});

it('leaves out classes without validation pictures', () => {
  expect(exampleIndices(Int32Array.of(2, 2), 4)).toEqual([0, 1]);
});
