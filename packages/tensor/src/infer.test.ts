import { describe, expect, it } from 'vitest';
import { DparError } from './error.js';
import { inferType } from './infer.js';
import type { AttributesOf, Primitive } from './primitives.js';
import type { TensorType } from './types.js';

const f = (...shape: number[]): TensorType => ({ dtype: 'float32', shape });
const i = (...shape: number[]): TensorType => ({ dtype: 'int32', shape });
const b = (...shape: number[]): TensorType => ({ dtype: 'bool', shape });

/** Inputs and attributes that do not fit, and the message without the primitive's name. */
type Failure<P extends Primitive> = readonly [
  inputs: readonly TensorType[],
  attributes: AttributesOf<P>,
  message: string,
];

const floatInput = [[[i(2)], {}, 'expected an input of type float32, got int32[2].']] as const;
const noBroadcast = 'expected shapes that broadcast (sizes equal or 1, aligned at the last axis), got';
const arithmetic = [
  [[f(2, 3), f(2)], {}, `${noBroadcast} float32[2, 3] and float32[2].`],
  [[f(2), i(2)], {}, 'expected two float32 or two int32 inputs, got float32[2] and int32[2].'],
  [[b(2), b(2)], {}, 'expected two float32 or two int32 inputs, got bool[2] and bool[2].'],
  [[f(2)], {}, 'expected at least 2 inputs, got float32[2].'],
] as const;
const logical = [
  [[b(2), b(3)], {}, `${noBroadcast} bool[2] and bool[3].`],
  [[b(2), f(2)], {}, 'expected inputs of type bool, got bool[2] and float32[2].'],
] as const;
const reduction = [
  [[f(2, 3)], { axes: [2] }, 'expected an axis from 0 to 1 (got 2), got float32[2, 3].'],
  [[f(2, 3)], { axes: [0, 0] }, 'expected axes that differ, got float32[2, 3].'],
  [[i(2)], { axes: [0] }, 'expected an input of type float32, got int32[2].'],
] as const;
const rows = [
  [[f(), i(2)], {}, 'expected rows of rank 1 or more, got float32[] and int32[2].'],
  [[f(2), f(2)], {}, 'expected indices of type int32, got float32[2] and float32[2].'],
] as const;
const normalized = [...floatInput, [[f()], {}, 'expected an input of rank 1 or more, got float32[].']] as const;
const unpadded = { stride: 1, padding: [0, 0, 0, 0] } as const;
const pooled = [
  [[f(2, 2)], { ...unpadded, kernel: [1, 1] }, 'expected x of shape [B, C, H, W], got float32[2, 2].'],
  [
    [f(1, 1, 2, 2)],
    { ...unpadded, kernel: [3, 2] },
    'expected an image at least as large as the kernel, got float32[1, 1, 2, 2].',
  ],
  [
    [f(1, 1, 2, 2)],
    { ...unpadded, kernel: [0, 2] },
    'expected a kernel of whole numbers >= 1 (got 0 x 2), got float32[1, 1, 2, 2].',
  ],
  [
    [f(1, 1, 4, 4)],
    { stride: 1, padding: [0, 0, 2, 0], kernel: [2, 2] },
    'expected paddings less than the kernel (got 0, 0, 2, 0 for 2 x 2), got float32[1, 1, 4, 4].',
  ],
] as const;

const failures: { readonly [P in Primitive]: readonly Failure<P>[] } = {
  neg: [[[b(2)], {}, 'expected a float32 or int32 input, got bool[2].']],
  abs: [[[b()], {}, 'expected a float32 or int32 input, got bool[].']],
  exp: floatInput,
  log: floatInput,
  sqrt: floatInput,
  reciprocal: floatInput,
  sin: floatInput,
  cos: floatInput,
  tanh: floatInput,
  erf: floatInput,
  sigmoid: floatInput,
  silu: floatInput,
  not: [[[f(2)], {}, 'expected an input of type bool, got float32[2].']],
  cast: [[[], { dtype: 'bool' }, 'expected at least 1 inputs, got no inputs.']],
  add: arithmetic,
  sub: arithmetic,
  mul: arithmetic,
  div: [
    [[f(2, 3), f(2)], {}, `${noBroadcast} float32[2, 3] and float32[2].`],
    [[i(2), i(2)], {}, 'expected inputs of type float32, got int32[2] and int32[2].'],
  ],
  maximum: arithmetic,
  minimum: arithmetic,
  equal: arithmetic,
  less: arithmetic,
  lessEqual: arithmetic,
  and: logical,
  or: logical,
  select: [
    [[f(2), f(2), f(2)], {}, 'expected a condition of type bool, got float32[2] and float32[2] and float32[2].'],
    [[b(2), f(2), i(2)], {}, 'expected two alternatives of one type, got bool[2] and float32[2] and int32[2].'],
    [[b(2), f(2), f(3)], {}, `${noBroadcast} bool[2] and float32[2] and float32[3].`],
    [[b(4), f(2), f(2)], {}, `${noBroadcast} bool[4] and float32[2] and float32[2].`],
  ],
  reshape: [
    [[f(2, 3)], { shape: [4] }, 'expected as many elements as in [4], got float32[2, 3].'],
    [[f(2, 3)], { shape: [-2, -3] }, 'expected as many elements as in [-2, -3], got float32[2, 3].'],
  ],
  transpose: [
    [[f(2, 3)], { permutation: [0] }, 'expected a permutation of 2 axes (got [0]), got float32[2, 3].'],
    [[f(2, 3)], { permutation: [1, 1] }, 'expected a permutation of 2 axes (got [1, 1]), got float32[2, 3].'],
  ],
  broadcast: [
    [[f(2, 3)], { shape: [3] }, 'expected a shape that broadcasts to [3], got float32[2, 3].'],
    [[f(2)], { shape: [1] }, 'expected a shape that broadcasts to [1], got float32[2].'],
    [[f(1)], { shape: [-1] }, 'expected sizes that are whole numbers >= 0 (got [-1]), got float32[1].'],
  ],
  concat: [
    [
      [f(2, 3), f(3, 3)],
      { axis: 1 },
      'expected inputs that agree in all axes but axis 1, got float32[2, 3] and float32[3, 3].',
    ],
    [
      [f(2), f(2, 1)],
      { axis: 0 },
      'expected inputs that agree in all axes but axis 0, got float32[2] and float32[2, 1].',
    ],
    [[f(2), i(2)], { axis: 0 }, 'expected inputs of one type, got float32[2] and int32[2].'],
    [[f(2)], { axis: 1 }, 'expected an axis from 0 to 0 (got 1), got float32[2].'],
  ],
  slice: [
    [
      [f(2, 3)],
      { axis: 1, start: 2, size: 2 },
      'expected a range within axis 1 of size 3 (got start 2, size 2), got float32[2, 3].',
    ],
    [
      [f(2)],
      { axis: 0, start: -1, size: 1 },
      'expected a range within axis 0 of size 2 (got start -1, size 1), got float32[2].',
    ],
    [[f(2)], { axis: 0.5, start: 0, size: 1 }, 'expected an axis from 0 to 0 (got 0.5), got float32[2].'],
  ],
  pad: [
    [
      [f(2)],
      { axis: 0, before: -1, after: 0 },
      'expected paddings that are whole numbers >= 0 (got -1 and 0), got float32[2].',
    ],
    [[b(2)], { axis: 0, before: 1, after: 0 }, 'expected a float32 or int32 input, got bool[2].'],
  ],
  takeRows: rows,
  scatterAddRows: [
    [
      [f(2, 3), i(3)],
      { rows: 4 },
      'expected values whose first axes are those of the indices, got float32[2, 3] and int32[3].',
    ],
    [[i(2), i(2)], { rows: 4 }, 'expected values of type float32, got int32[2] and int32[2].'],
    [[f(2), i(2)], { rows: -1 }, 'expected a number of rows >= 0 (got -1), got float32[2] and int32[2].'],
  ],
  takeRowsOnce: [
    [
      [f(3, 2), i(4), i(4)],
      {},
      'expected one inverse index for each row, got float32[3, 2] and int32[4] and int32[4].',
    ],
    [[f(3), i(4), f(3)], {}, 'expected inverse indices of type int32, got float32[3] and int32[4] and float32[3].'],
    [[i(3), i(4), i(3)], {}, 'expected rows of type float32, got int32[3] and int32[4] and int32[3].'],
  ],
  takeLast: [
    [[f(2, 3), i(3)], {}, 'expected one index for each last axis, got float32[2, 3] and int32[3].'],
    [[f(2, 3), f(2)], {}, 'expected indices of type int32, got float32[2, 3] and float32[2].'],
  ],
  scatterLast: [
    [[f(2), i(3)], { size: 4 }, 'expected one index for each value, got float32[2] and int32[3].'],
    [[f(2), i(2)], { size: -4 }, 'expected a size that is a whole number >= 0 (got -4), got float32[2] and int32[2].'],
  ],
  sum: reduction,
  mean: reduction,
  max: reduction,
  argMax: normalized,
  matmul: [
    [
      [f(2, 3), f(2, 3)],
      { transposeA: false, transposeB: false, scale: 1 },
      'expected inner sizes that agree (3 and 2), got float32[2, 3] and float32[2, 3].',
    ],
    [
      [f(2, 3), f(4, 3)],
      { transposeA: true, transposeB: true, scale: 1 },
      'expected inner sizes that agree (2 and 3), got float32[2, 3] and float32[4, 3].',
    ],
    [
      [f(2, 2, 3), f(3, 3, 4)],
      { transposeA: false, transposeB: false, scale: 1 },
      'expected batch axes that broadcast, got float32[2, 2, 3] and float32[3, 3, 4].',
    ],
    [
      [f(3), f(3, 4)],
      { transposeA: false, transposeB: false, scale: 1 },
      'expected inputs of rank 2 or more, got float32[3] and float32[3, 4].',
    ],
  ],
  softmax: normalized,
  logSoftmax: normalized,
  rmsNorm: [
    [
      [f(2, 3), f(2)],
      { epsilon: 1e-5 },
      'expected one weight for each element of the last axis, got float32[2, 3] and float32[2].',
    ],
  ],
  rotary: [
    [
      [f(2, 8), f(1, 2, 2, 2)],
      { interleaved: true },
      'expected x of shape [B, T, H * headDim], got float32[2, 8] and float32[1, 2, 2, 2].',
    ],
    [
      [f(3, 2, 8), f(2, 2, 2, 2)],
      { interleaved: true },
      'expected a table of shape [1 or B, T, headDim / 2, 2], got float32[3, 2, 8] and float32[2, 2, 2, 2].',
    ],
    [
      [f(1, 2, 6), f(1, 2, 2, 2)],
      { interleaved: true },
      'expected a last axis that headDim divides, got float32[1, 2, 6] and float32[1, 2, 2, 2].',
    ],
  ],
  conv2d: [
    [
      [f(1, 2, 3, 3), f(1, 1, 2, 2)],
      unpadded,
      'expected as many channels as the weight reads (2 and 1), got float32[1, 2, 3, 3] and float32[1, 1, 2, 2].',
    ],
    [
      [f(1, 1, 2, 2), f(1, 1, 3, 3)],
      unpadded,
      'expected an image at least as large as the kernel, got float32[1, 1, 2, 2] and float32[1, 1, 3, 3].',
    ],
    [
      [f(2, 2), f(1, 1, 3, 3)],
      unpadded,
      'expected x of shape [B, I, H, W], got float32[2, 2] and float32[1, 1, 3, 3].',
    ],
    [
      [f(1, 1, 3, 3), f(1, 1, 2, 2)],
      { ...unpadded, stride: 0 },
      'expected a stride that is a whole number >= 1 (got 0), got float32[1, 1, 3, 3] and float32[1, 1, 2, 2].',
    ],
  ],
  conv2dInputGradient: [
    [
      [f(1, 1, 3, 3), f(1, 1, 2, 2)],
      { ...unpadded, height: 3, width: 3 },
      'expected a gradient of float32[1, 1, 2, 2], got float32[1, 1, 3, 3] and float32[1, 1, 2, 2].',
    ],
  ],
  conv2dWeightGradient: [
    [
      [f(1, 1, 3, 3), f(1, 1, 3, 3)],
      { ...unpadded, kernelHeight: 2, kernelWidth: 2 },
      'expected a gradient of float32[1, 1, 2, 2], got float32[1, 1, 3, 3] and float32[1, 1, 3, 3].',
    ],
  ],
  groupNorm: [
    [
      [f(1, 4, 2, 2), f(4), f(2)],
      { groups: 2, epsilon: 0 },
      'expected a weight and a bias with one element for each channel, got float32[1, 4, 2, 2] and float32[4] and float32[2].',
    ],
    [
      [f(1, 4, 2, 2), f(4), f(4)],
      { groups: 3, epsilon: 0 },
      'expected a number of groups that divides the channels (got 3), got float32[1, 4, 2, 2] and float32[4] and float32[4].',
    ],
  ],
  resizeNearest: [
    [[f(2, 2)], { factor: 2 }, 'expected x of shape [B, C, H, W], got float32[2, 2].'],
    [
      [f(1, 1, 2, 2)],
      { factor: 0.5 },
      'expected a factor that is a whole number >= 1 (got 0.5), got float32[1, 1, 2, 2].',
    ],
  ],
  maxPool2d: pooled,
  averagePool2d: pooled,
};

describe('errors name the operation, what it expects and what came', () => {
  const list = (Object.keys(failures) as Primitive[]).flatMap((primitive) =>
    failures[primitive].map(([inputs, attributes, message]) => ({ primitive, inputs, attributes, message })),
  );
  it.each(list)('$primitive: $message', ({ primitive, inputs, attributes, message }) => {
    const infer = () => inferType(primitive, inputs, attributes);
    expect(infer).toThrow(DparError);
    expect(infer).toThrow(new DparError(`${primitive}: ${message} Check the inputs.`));
  });
});

describe('types of results', () => {
  it('comparisons are bool, indices of maxima int32, the rest as the inputs', () => {
    expect(inferType('less', [i(2, 1), i(3)], {})).toEqual(b(2, 3));
    expect(inferType('argMax', [f(2, 3)], {})).toEqual(i(2));
    expect(inferType('add', [i(2), i()], {})).toEqual(i(2));
    expect(inferType('select', [b(2, 1), i(3), i()], {})).toEqual(i(2, 3));
  });

  it('convolutions round down, and padding counts', () => {
    const padding = [0, 0, 1, 1] as const;
    expect(inferType('conv2d', [f(2, 3, 8, 7), f(4, 3, 3, 3)], { stride: 2, padding })).toEqual(f(2, 4, 4, 3));
  });

  it('matrix products transpose the last two axes and broadcast the others', () => {
    const attributes = { transposeA: true, transposeB: true, scale: 1 };
    expect(inferType('matmul', [f(5, 1, 3, 2), f(4, 6, 3)], attributes)).toEqual(f(5, 4, 2, 6));
  });
});
