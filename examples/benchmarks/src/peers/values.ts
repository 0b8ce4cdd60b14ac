import { type StoredTensor, toFloat64Array } from '@dpar/io';

/** Numbers of a result of Python. @throws Error if it lacks them. */
export function numbersOf(result: ReadonlyMap<string, StoredTensor>, name: string): Float64Array {
  const found = result.get(name);
  if (found !== undefined) return toFloat64Array(found);
  throw new Error(`expected the values '${name}', got ${[...result.keys()].join(', ') || 'none'}.`);
}

/** Largest difference of two lists of the same length, relative to each value of the second. */
export function relativeDifference(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  return Math.max(...Array.from(ours, (value, i) => Math.abs(value / (theirs[i] ?? Number.NaN) - 1)));
}
