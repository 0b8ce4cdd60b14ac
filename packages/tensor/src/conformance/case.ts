import type { AttributesOf, Primitive } from '../primitives.js';
import { createRandom } from '../random/random.js';
import { bool, float32, type HostTensor, type HostTensorOf, int32, type Shape, sizeOf } from '../types.js';

/** Tolerance of a number: |actual - expected| <= absolute + relative |expected|. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** Tolerance for moved elements, integers and booleans. */
export const exact: Tolerance = { relative: 0, absolute: 0 };
/** Tolerance for one rounding, or an approximation within a few units in the last place. */
export const close: Tolerance = { relative: 2e-6, absolute: 1e-6 };
/** Tolerance for sums in float32. */
export const summed: Tolerance = { relative: 1e-5, absolute: 1e-5 };

/** Application of a primitive. */
export interface PrimitiveCase<Attributes> {
  readonly inputs: readonly HostTensor[];
  readonly attributes: Attributes;
  readonly tolerance: Tolerance;
  /** Special property, for the name of the case. */
  readonly about?: string | undefined;
  /** Indices of the inputs to differentiate by. */
  readonly by: readonly number[];
}

/** Cases of a group of primitives. */
export type PrimitiveCases<P extends Primitive> = { readonly [Q in P]: readonly PrimitiveCase<AttributesOf<Q>>[] };

/** Normally distributed numbers, the same for the same shape and salt. */
export function normal(shape: Shape, salt = 0): HostTensorOf<'float32'> {
  return float32(shape, createRandom(1, salt, ...shape).fillNormal(new Float32Array(sizeOf(shape))));
}

/** Numbers spread evenly over [low, high), the same for the same shape and salt. */
export function uniform(shape: Shape, low: number, high: number, salt = 0): HostTensorOf<'float32'> {
  return float32(shape, createRandom(2, salt, ...shape).fillUniform(new Float32Array(sizeOf(shape)), { low, high }));
}

/** Integers from `low` to below `high`, the same for the same shape and salt. */
export function integers(shape: Shape, low: number, high: number, salt = 0): HostTensorOf<'int32'> {
  const random = createRandom(3, salt, ...shape);
  const data = Int32Array.from({ length: sizeOf(shape) }, () => low + random.integer(high - low));
  return int32(shape, data);
}

/** Booleans, the same for the same shape and salt. */
export function bools(shape: Shape, salt = 0): HostTensorOf<'bool'> {
  const random = createRandom(4, salt, ...shape);
  return bool(
    shape,
    Uint8Array.from({ length: sizeOf(shape) }, () => random.integer(2)),
  );
}
