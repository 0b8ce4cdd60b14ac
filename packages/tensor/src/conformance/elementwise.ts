import type { AttributesOf, ElementwisePrimitive, None } from '../primitives.js';
import { bool, float32, type HostTensor, int32, type Shape } from '../types.js';
import {
  bools,
  close,
  exact,
  integers,
  normal,
  type PrimitiveCase,
  type PrimitiveCases,
  type Tolerance,
  uniform,
} from './case.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

const shapes: readonly Shape[] = [[], [1], [7], [2, 3], [2, 1, 3]];

/** Shapes of two inputs that broadcast. */
const pairs: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[1], [1]],
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [[2, 3], []],
  [[], [2, 3]],
  [
    [2, 1],
    [1, 3],
  ],
  [
    [4, 1, 3],
    [2, 1],
  ],
  [[1, 1], [3]],
  [
    [2, 1, 2, 1],
    [3, 1, 5],
  ],
];

function plain(
  tolerance: Tolerance,
  by: readonly number[],
  inputs: readonly HostTensor[],
  about?: string,
): PrimitiveCase<None> {
  return { inputs, attributes: {}, tolerance, by, about };
}

/** Cases of a smooth function of one input: on [low, high), and at special points. */
function unary(low: number, high: number, special: readonly number[], tolerance = close): PrimitiveCase<None>[] {
  return [
    ...shapes.map((shape) => plain(tolerance, [0], [uniform(shape, low, high)])),
    plain(tolerance, [], [float32([special.length], special)], 'special values'),
  ];
}

const wholeUnary = plain(exact, [], [int32([5], [0, 1, -1, 1000, -16777216])]);

function arithmetic(tolerance: Tolerance): PrimitiveCase<None>[] {
  return [
    ...pairs.map(([a, b]) => plain(tolerance, [0, 1], [normal(a), normal(b, 1)])),
    plain(exact, [], [integers([2, 3], -1000, 1000), integers([3], -1000, 1000, 1)]),
    plain(exact, [], [integers([], -1000, 1000), integers([2, 2], -1000, 1000, 1)]),
  ];
}

function special(...points: readonly (readonly [number, number])[]): PrimitiveCase<None> {
  const column = (i: 0 | 1) =>
    float32(
      [points.length],
      points.map((point) => point[i]),
    );
  return plain(close, [], [column(0), column(1)], 'special values');
}

const comparison: readonly PrimitiveCase<None>[] = [
  // The few different values make some of them equal.
  ...pairs.map(([a, b]) => {
    const half = (x: HostTensor) =>
      float32(
        x.shape,
        Float32Array.from(x.data, (value) => value / 2),
      );
    return plain(exact, [], [half(integers(a, -2, 3)), half(integers(b, -2, 3, 1))]);
  }),
  plain(exact, [], [integers([2, 3], -2, 3), integers([3], -2, 3, 1)]),
  plain(exact, [], [int32([2], [16777217, -16777217]), int32([2], [16777216, -16777216])], 'whole numbers above 2^24'),
  special([nan, 0], [0, nan], [nan, nan], [infinity, infinity], [-infinity, infinity], [0, -0], [1, infinity]),
];

const logical: readonly PrimitiveCase<None>[] = [
  ...pairs.map(([a, b]) => plain(exact, [], [bools(a), bools(b, 1)])),
  plain(exact, [], [bool([4], [0, 0, 1, 1]), bool([4], [0, 1, 0, 1])]),
];

const select: readonly PrimitiveCase<None>[] = [
  ...pairs.map(([a, b]) => plain(exact, [1, 2], [bools(a), normal(a), normal(b, 1)])),
  plain(exact, [1, 2], [bools([3, 1]), normal([2, 1, 1]), normal([], 1)], 'condition, alternatives and result differ'),
  plain(exact, [1, 2], [bools([2, 3]), normal([]), normal([], 1)]),
  plain(exact, [], [bools([2, 3]), integers([3], -9, 9), integers([2, 1], -9, 9, 1)]),
  plain(exact, [], [bools([2, 3]), bools([3], 1), bools([2, 1], 2)]),
  plain(
    exact,
    [],
    [bool([4], [1, 0, 1, 0]), float32([4], [1, nan, 2, infinity]), float32([4], [nan, 3, -infinity, 4])],
    'what is not selected does not matter',
  ),
];

function cast(from: HostTensor, dtype: HostTensor['dtype'], about?: string): PrimitiveCase<AttributesOf<'cast'>> {
  return { inputs: [from], attributes: { dtype }, tolerance: exact, by: [], about };
}

/** Cases of the elementwise primitives. */
export const elementwiseCases: PrimitiveCases<ElementwisePrimitive> = {
  neg: [...unary(-3, 3, [0, infinity, -infinity, nan], exact), wholeUnary],
  abs: [
    ...unary(0.5, 3, [0, -2, infinity, -infinity, nan], exact),
    plain(exact, [0], [uniform([2, 2], -3, -0.5)], 'negative'),
    wholeUnary,
  ],
  exp: unary(-3, 3, [0, infinity, -infinity, nan, 100, -100, 88]),
  log: unary(0.5, 3, [0, 1, infinity, -1, nan, 1e-30, 1e30]),
  sqrt: unary(0.5, 3, [0, 1, 4, infinity, -1, nan, 1e-30, 1e30]),
  reciprocal: unary(0.5, 3, [infinity, -infinity, nan, 0, -4, 1e-30, 1e30]),
  sin: unary(-3, 3, [0, 10, -20, 100, nan]),
  cos: unary(-3, 3, [0, 10, -20, 100, nan]),
  tanh: unary(-3, 3, [0, 20, -20, infinity, -infinity, nan, 1e-4]),
  erf: unary(-3, 3, [0, 20, -20, infinity, -infinity, nan, 1e-4]),
  sigmoid: unary(-3, 3, [0, 20, -20, infinity, -infinity, nan, 100, -100]),
  silu: unary(-3, 3, [0, 20, -20, infinity, nan, 100, -80]),
  not: [...shapes.map((shape) => plain(exact, [], [bools(shape)])), plain(exact, [], [bool([2], [0, 1])])],
  cast: [
    cast(float32([9], [0, 0.9, -0.9, 1, -1, 2.5, -2.5, 1e6, -16777216]), 'int32', 'truncates'),
    cast(float32([6], [0, -0, 0.1, -5, infinity, 1e-30]), 'bool'),
    cast(normal([2, 3]), 'float32'),
    cast(int32([4], [0, 1, -1, 16777216]), 'float32'),
    cast(int32([4], [0, 1, -1, 256]), 'bool'),
    cast(integers([], -9, 9), 'float32'),
    cast(bools([2, 3]), 'float32'),
    cast(bools([2, 3]), 'int32'),
    cast(bools([]), 'float32'),
  ],

  add: [...arithmetic(close), special([infinity, 1], [infinity, -infinity], [nan, 1])],
  sub: [...arithmetic(close), special([infinity, 1], [infinity, infinity], [nan, 1])],
  mul: [...arithmetic(close), special([infinity, -2], [infinity, 0], [nan, 0], [1e30, 1e30])],
  div: [
    ...pairs.map(([a, b]) => plain(close, [0, 1], [normal(a), uniform(b, 0.5, 2, 1)])),
    special([1, 0], [-1, 0], [0, 0], [1, infinity], [infinity, infinity], [nan, 1], [1, 3]),
  ],
  maximum: [...arithmetic(exact), special([infinity, 1], [-infinity, 1], [-infinity, -infinity], [2, 2])],
  minimum: [...arithmetic(exact), special([infinity, 1], [-infinity, 1], [infinity, infinity], [2, 2])],
  equal: comparison,
  less: comparison,
  lessEqual: comparison,
  and: logical,
  or: logical,
  select,
};
