import { type Backend, backendKinds } from './backend.js';
import { checkArguments } from './check-arguments.js';
import { inferType } from './infer.js';
import type { Ops, PoolingOptions, ReductionOptions } from './ops.js';
import { withCheckedArguments } from './ops-arguments.js';
import type { AttributesOf, BinaryPrimitive, ConvolutionAttributes, Primitive, UnaryPrimitive } from './primitives.js';
import { positiveAxis } from './shape.js';
import { type DType, hostTensor, type Shape, type TensorType } from './types.js';

/** Creates the {@link Ops} of a backend: fills in defaults, checks shapes and types, and calls the backend. */
export function createOps<T>(backend: Backend<T>): Ops<T> {
  checkArguments('createOps', { backend }, { backend: backendKinds });

  const typeOf = (x: T): TensorType => backend.typeOf(x);
  const shapeOf = (x: T): Shape => backend.typeOf(x).shape;

  const apply = <P extends Primitive>(primitive: P, inputs: readonly T[], attributes: AttributesOf<P>): T =>
    backend.apply(primitive, inputs, attributes, inferType(primitive, inputs.map(typeOf), attributes));

  const scalar = (value: number, dtype: DType = 'float32'): T => backend.constant(hostTensor(dtype, [], [value]));
  // A number takes the type of its partner.
  const tensor = (x: T | number, partner: T | number): T =>
    typeof x !== 'number' ? x : scalar(x, typeof partner === 'number' ? 'float32' : typeOf(partner).dtype);

  const unary = (primitive: UnaryPrimitive | 'softmax' | 'logSoftmax') => (x: T) => apply(primitive, [x], {});
  const binary = (primitive: BinaryPrimitive) => (a: T | number, b: T | number) =>
    apply(primitive, [tensor(a, b), tensor(b, a)], {});

  const reshape = (x: T, shape: Shape): T => {
    const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
    const total = shapeOf(x).reduce((product, size) => product * size, 1);
    const hole = shape.indexOf(-1);
    const resolved = hole < 0 || known === 0 ? shape : shape.map((size, i) => (i === hole ? total / known : size));
    return apply('reshape', [x], { shape: resolved });
  };

  const slice = (x: T, axis: number, start: number, size: number): T =>
    apply('slice', [x], { axis: positiveAxis(axis, shapeOf(x).length), start, size });

  const reduce =
    (primitive: 'sum' | 'mean' | 'max') =>
    (x: T, options: ReductionOptions = {}) => {
      const shape = shapeOf(x);
      const given = options.axes ?? shape.map((_, axis) => axis);
      const axes = (typeof given === 'number' ? [given] : given).map((axis) => positiveAxis(axis, shape.length));
      const reduced = apply(primitive, [x], { axes });
      return options.keepDims
        ? reduced
        : reshape(
            reduced,
            shape.filter((_, axis) => !axes.includes(axis)),
          );
    };

  const pool =
    (primitive: 'maxPool2d' | 'averagePool2d') =>
    (x: T, { kernel, stride = 1, padding = noPadding }: PoolingOptions) =>
      apply(primitive, [x], { kernel, stride, padding });

  const mul = binary('mul');

  const ops: Ops<T> = {
    typeOf,
    shapeOf,
    constant: (value) => backend.constant(value),
    range: (size) =>
      backend.range?.(size) ??
      backend.constant(
        hostTensor(
          'int32',
          [size],
          Int32Array.from({ length: size }, (_, i) => i),
        ),
      ),
    scalar,
    apply,
    recompute: (fn, inputs) => backend.recompute?.(fn, inputs) ?? fn(ops, inputs),
    neg: unary('neg'),
    abs: unary('abs'),
    exp: unary('exp'),
    log: unary('log'),
    sqrt: unary('sqrt'),
    reciprocal: unary('reciprocal'),
    sin: unary('sin'),
    cos: unary('cos'),
    tanh: unary('tanh'),
    erf: unary('erf'),
    sigmoid: unary('sigmoid'),
    silu: unary('silu'),
    square: (x) => mul(x, x),
    not: unary('not'),
    cast: (x, dtype) => (typeOf(x).dtype === dtype ? x : apply('cast', [x], { dtype })),
    add: binary('add'),
    sub: binary('sub'),
    mul,
    div: binary('div'),
    maximum: binary('maximum'),
    minimum: binary('minimum'),
    equal: binary('equal'),
    less: binary('less'),
    lessEqual: binary('lessEqual'),
    and: binary('and'),
    or: binary('or'),
    select: (condition, whenTrue, whenFalse) =>
      apply('select', [condition, tensor(whenTrue, whenFalse), tensor(whenFalse, whenTrue)], {}),
    reshape,
    transpose: (x, permutation) =>
      apply('transpose', [x], { permutation: permutation.map((axis) => positiveAxis(axis, permutation.length)) }),
    broadcast: (x, shape) => apply('broadcast', [x], { shape }),
    concat: (xs, axis) => {
      const [first] = xs;
      return apply('concat', xs, { axis: first === undefined ? axis : positiveAxis(axis, shapeOf(first).length) });
    },
    slice,
    split: (x, axis, sizes) => {
      let start = 0;
      return sizes.map((size) => {
        start += size;
        return slice(x, axis, start - size, size);
      });
    },
    pad: (x, axis, before, after) => apply('pad', [x], { axis: positiveAxis(axis, shapeOf(x).length), before, after }),
    takeRows: (x, indices) => apply('takeRows', [x, indices], {}),
    scatterAddRows: (values, indices, rows) => apply('scatterAddRows', [values, indices], { rows }),
    takeRowsOnce: (x, indices, inverse) => apply('takeRowsOnce', [x, indices, inverse], {}),
    takeLast: (x, indices) => apply('takeLast', [x, indices], {}),
    scatterLast: (values, indices, size) => apply('scatterLast', [values, indices], { size }),
    sum: reduce('sum'),
    mean: reduce('mean'),
    max: reduce('max'),
    argMax: (x) => apply('argMax', [x], {}),
    matmul: (a, b, { transposeA = false, transposeB = false, scale = 1 } = {}) =>
      apply('matmul', [a, b], { transposeA, transposeB, scale }),
    softmax: unary('softmax'),
    logSoftmax: unary('logSoftmax'),
    rmsNorm: (x, weight, epsilon) => apply('rmsNorm', [x, weight], { epsilon }),
    rotary: (x, table, { interleaved = true } = {}) => apply('rotary', [x, table], { interleaved }),
    groupNorm: (x, weight, bias, { groups, epsilon }) => apply('groupNorm', [x, weight, bias], { groups, epsilon }),
    conv2d: (x, weight, { stride = 1, padding = noPadding } = {}) => apply('conv2d', [x, weight], { stride, padding }),
    resizeNearest: (x, factor) => apply('resizeNearest', [x], { factor }),
    maxPool2d: pool('maxPool2d'),
    averagePool2d: pool('averagePool2d'),
  };
  return withCheckedArguments(ops, backend);
}

const noPadding: ConvolutionAttributes['padding'] = [0, 0, 0, 0];

/**
 * Tensor interface over types only. Nothing is computed: a function run on it returns the types of its outputs, and throws
 * for shapes that do not fit.
 */
export const typeOps: Ops<TensorType> = /* @__PURE__ */ createOps<TensorType>({
  typeOf: (x) => x,
  constant: ({ dtype, shape }) => ({ dtype, shape }),
  apply: (_primitive, _inputs, _attributes, output) => output,
});
