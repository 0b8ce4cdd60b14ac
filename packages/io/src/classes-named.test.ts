import { expect, it } from 'vitest';
import { classesNamed, promptNamed, shownName } from './index.js';

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

it.each([
  // The class comes before the word of that name.
  ['cat', [0, 2]],
  ['red', [5]],
  ['/cat', [6]],
])('%j among words', (name, numbers) => {
  expect(classesNamed(name, [...names, '/red', '/cat'])).toEqual(numbers);
});

it('is shown without the slash of a word', () => {
  expect(['/red', 'animals/cat', 'cat'].map(shownName)).toEqual(['red', 'animals/cat', 'cat']);
});

it('finds the words of a text, and names those that are unknown', () => {
  const words = [...names, '/red', '/cat', '/été'];
  expect(promptNamed('A red, RED cat, dog? Été!', words)).toEqual({ words: [5, 6, 7], unknown: ['a', 'dog'] });
  expect(promptNamed(' – ', words)).toEqual({ words: [], unknown: [] });
});
