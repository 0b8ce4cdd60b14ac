import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareCodePoints } from './code-points.js';

it('orders names as Python does', () => {
  // sorted() of Python 3.12; JavaScript's sort() puts '😀' before U+F900.
  const sorted = [
    '',
    '10',
    '2',
    'A',
    'Z',
    'a',
    'a b',
    'ab',
    'é',
    '한',
    '\uf900',
    'ａ',
    '\uffff',
    '𝒜',
    '😀',
    '😀a',
    '😁',
  ];
  expect([...sorted].reverse().sort(compareCodePoints)).toEqual(sorted);
});

it('is the order of the UTF-8 bytes', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
