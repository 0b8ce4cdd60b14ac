import { expect, it } from 'vitest';
import { differences, formatDifferences } from './resume-settings.js';

it('names each key that differs, with both values', () => {
  const first = { seed: 3, model: { dim: 16, kind: 'dpar', preset: null }, betas: [0.9, 0.95], same: { a: [1] } };
  const second = { seed: 4, model: { dim: 16, kind: 'dpar', n_head: 2 }, betas: [0.9, 0.99], same: { a: [1] } };
  const found = differences(first, second);
  expect(found).toEqual([
    { key: 'seed', expected: 3, got: 4 },
    { key: 'model.preset', expected: null, got: undefined },
    { key: 'model.n_head', expected: undefined, got: 2 },
    { key: 'betas', expected: [0.9, 0.95], got: [0.9, 0.99] },
  ]);
  expect(formatDifferences(found.slice(0, 3))).toBe(
    "'seed' 4 in place of 3, 'model.preset' none in place of null, 'model.n_head' 2 in place of none",
  );
  expect(differences(first, structuredClone(first))).toEqual([]);
  expect(differences({ a: { b: 1 } }, { a: null })).toEqual([{ key: 'a', expected: { b: 1 }, got: null }]);
});
