import type { Shapes } from './recognise.js';

/** Where a size stands: an axis of the parameters that a pattern names, if they have so many axes (default: any number). */
export type Place = readonly [name: RegExp, axis: number, axes?: number];

/**
 * The size that most parameters have in the given places, so that one that is missing or of another shape does not decide;
 * of those that are equally frequent, the one met first. Undefined if no place has a size.
 */
export function commonSize(shapes: Shapes, places: readonly Place[]): number | undefined {
  const votes = new Map<number, number>();
  for (const [pattern, axis, axes] of places) {
    for (const [name, shape] of shapes) {
      const size = pattern.test(name) && shape.length === (axes ?? shape.length) ? shape[axis] : undefined;
      if (size !== undefined && size > 0) votes.set(size, (votes.get(size) ?? 0) + 1);
    }
  }
  const most = Math.max(...votes.values());
  return [...votes].find(([, count]) => count === most)?.[0];
}

/**
 * Number of blocks `prefix.0`, `prefix.1`, ...: one more than the highest number, also where parameters are missing. Numbers
 * that are higher than there are parameters are not counted.
 */
export function blockCount(shapes: Shapes, prefix: string): number {
  let count = 0;
  for (const name of shapes.keys()) {
    if (!name.startsWith(`${prefix}.`)) continue;
    const [, digits] = /^(\d+)\./.exec(name.slice(prefix.length + 1)) ?? [];
    const number = Number(digits ?? -1);
    if (number < shapes.size) count = Math.max(count, number + 1);
  }
  return count;
}
