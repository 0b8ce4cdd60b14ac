import { int32 } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { dropClasses } from './class-dropout.js';

it('drops each label with the given probability, by seed and step', () => {
  const labels = int32(
    [5000],
    Int32Array.from({ length: 5000 }, (_, i) => i % 7),
  );
  const dropped = dropClasses(labels, 7, 0.1, 3, 12);
  const nulls = dropped.data.filter((label, i) => label === 7 && labels.data[i] !== 7).length;
  expect(Math.abs(nulls - 500)).toBeLessThan(5 * Math.sqrt(5000 * 0.1 * 0.9));
  expect(dropped.data.every((label, i) => label === 7 || label === labels.data[i])).toBe(true);
  expect(dropClasses(labels, 7, 0.1, 3, 12).data).toEqual(dropped.data);
  expect(dropClasses(labels, 7, 0.1, 3, 13).data).not.toEqual(dropped.data);
  expect(dropClasses(labels, 7, 0.1, 4, 12).data).not.toEqual(dropped.data);
  expect(dropClasses(labels, 7, 0, 3, 12).data).toEqual(labels.data);
  expect(dropClasses(labels, 7, 1, 3, 12).data.every((label) => label === 7)).toBe(true);
});
