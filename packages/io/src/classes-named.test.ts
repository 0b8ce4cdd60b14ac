import { expect, it } from 'vitest';
import { classesNamed } from './index.js';

const names = ['animals/cat', 'animals/dog', 'toys/cat', 'toys', 'food/red apple'];

it.each([
  ['animals/dog', [1]],
  ['dog', [1]],
  ['cat', [0, 2]],
  ['animals', [0, 1]],
  // The name of a class comes before the group of that name.
  ['toys', [3]],
  ['red apple', [4]],
  ['apple', []],
  ['animals/', []],
  ['', []],
])('%j', (name, numbers) => {
  expect(classesNamed(name, names)).toEqual(numbers);
});
