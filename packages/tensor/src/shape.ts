import { checkArguments } from './check-arguments.js';
import type { Shape } from './types.js';

/** True for equal shapes. */
export function sameShape(a: Shape, b: Shape): boolean {
  checkArguments('sameShape', { a, b }, { a: 'number[]', b: 'number[]' });

  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** Shape that two shapes broadcast to by NumPy's rule, or `undefined` if they do not broadcast. */
export function broadcastShapes(a: Shape, b: Shape): number[] | undefined {
  checkArguments('broadcastShapes', { a, b }, { a: 'number[]', b: 'number[]' });

  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let i = 0; i < rank; i++) {
    const da = a[a.length - rank + i] ?? 1;
    const db = b[b.length - rank + i] ?? 1;
    if (da !== db && da !== 1 && db !== 1) return undefined;
    result.push(da === 1 ? db : da);
  }
  return result;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  checkArguments('stridesOf', { shape }, { shape: 'number[]' });

  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}

/** Converts an axis counted from the end (-1 is the last) to one counted from the start. It is not checked. */
export function positiveAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
