import { float32, type HostTensor, type Shape } from '../types.js';
import { bools, exact, integers, normal, type PrimitiveCase, type PrimitiveCases } from './case.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';

/** Case of a primitive that moves elements: exact, and differentiable by every float input. */
function moved<Attributes>(
  inputs: readonly HostTensor[],
  attributes: Attributes,
  about?: string,
): PrimitiveCase<Attributes> {
  const by = inputs.flatMap((x, i) => (x.dtype === 'float32' && x.data.length > 0 ? [i] : []));
  return { inputs, attributes, tolerance: exact, by, about };
}

/** Same case for each element type. */
function ofEachType<Attributes>(shape: Shape, attributes: Attributes): PrimitiveCase<Attributes>[] {
  return [normal(shape), integers(shape, -9, 9), bools(shape)].map((x) => moved([x], attributes));
}

/** Cases of the layout primitives. */
export const layoutCases: PrimitiveCases<Layout> = {
  reshape: [
    ...ofEachType([2, 6], { shape: [3, 4] }),
    moved([normal([2, 3])], { shape: [6] }),
    moved([normal([6])], { shape: [1, 2, 1, 3, 1] }),
    moved([normal([1, 1])], { shape: [] }),
    moved([normal([])], { shape: [1] }),
    moved([normal([2, 3])], { shape: [2, 3] }, 'to the same shape'),
    moved([float32([0, 3])], { shape: [2, 0] }, 'without elements'),
  ],
  transpose: [
    ...ofEachType([2, 3], { permutation: [1, 0] }),
    ...ofEachType([2, 3, 4], { permutation: [2, 0, 1] }),
    moved([normal([2, 3, 4])], { permutation: [0, 1, 2] }, 'to the same order'),
    ...ofEachType([2, 3, 4, 5], { permutation: [0, 2, 1, 3] }),
    moved([normal([2, 1, 2, 1, 3, 2])], { permutation: [0, 5, 3, 1, 4, 2] }),
    moved([normal([1, 4])], { permutation: [1, 0] }),
    moved([normal([])], { permutation: [] }),
  ],
  broadcast: [
    ...ofEachType([2, 1], { shape: [2, 3] }),
    moved([normal([])], { shape: [2, 3] }),
    moved([normal([3])], { shape: [2, 3] }),
    moved([normal([1, 3, 1])], { shape: [4, 2, 3, 5] }),
    moved([normal([2, 3])], { shape: [2, 3] }, 'to the same shape'),
    moved([normal([])], { shape: [] }),
  ],
  concat: [
    ...[0, 1, 2].map((axis) => moved([normal([2, 3, 2]), normal([2, 3, 2], 1)], { axis })),
    moved([normal([2, 1]), normal([2, 3], 1), normal([2, 2], 2)], { axis: 1 }),
    moved([integers([1, 2], -9, 9), integers([3, 2], -9, 9)], { axis: 0 }),
    moved([bools([3]), bools([2])], { axis: 0 }),
    moved([normal([2, 3])], { axis: 1 }, 'of one'),
    moved([float32([2, 0]), normal([2, 3])], { axis: 1 }, 'with a part without elements'),
  ],
  slice: [
    ...ofEachType([4, 3], { axis: 0, start: 1, size: 2 }),
    moved([normal([2, 5, 3])], { axis: 1, start: 0, size: 2 }),
    moved([normal([2, 5, 3])], { axis: 1, start: 3, size: 2 }),
    moved([normal([2, 5, 3])], { axis: 2, start: 1, size: 1 }),
    moved([normal([3])], { axis: 0, start: 0, size: 3 }, 'of everything'),
    moved([normal([3, 2])], { axis: 0, start: 1, size: 0 }, 'of nothing'),
  ],
  pad: [
    moved([normal([2, 3])], { axis: 0, before: 1, after: 2 }),
    moved([normal([2, 3])], { axis: 1, before: 0, after: 2 }),
    moved([normal([2, 2, 3])], { axis: 1, before: 3, after: 0 }),
    moved([normal([2])], { axis: 0, before: 0, after: 0 }, 'by nothing'),
    moved([integers([2, 3], -9, 9)], { axis: 1, before: 1, after: 1 }),
  ],
};
