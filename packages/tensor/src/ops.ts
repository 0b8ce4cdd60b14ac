import type { Backend } from './backend.js';
import { backendKinds } from './backend.js';
import { checkArguments } from './check-arguments.js';
import type { TensorFunction } from './engine.js';
import { inferType } from './infer.js';
import { withCheckedArguments } from './ops-arguments.js';
import type {
  AttributesOf,
  BinaryPrimitive,
  ConvolutionAttributes,
  PoolingAttributes,
  Primitive,
  UnaryPrimitive,
} from './primitives.js';
import { positiveAxis } from './shape.js';
import { type DType, type HostTensor, hostTensor, type Shape, type Tensors, type TensorType } from './types.js';

/** Where a reduction works: all axes by default. `keepDims` keeps the reduced axes with size 1 (default: false). */
export interface ReductionOptions {
  readonly axes?: readonly number[] | number;
  readonly keepDims?: boolean;
}

/** Options of {@link Ops.matmul}. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor on the product, default 1. */
  readonly scale?: number;
}

/** Options of pooling: stride 1 and no padding by default. Elements of the padding are not looked at. */
export type PoolingOptions = Pick<PoolingAttributes, 'kernel'> & Partial<PoolingAttributes>;

/**
 * The tensor interface: what models are written in, generic in the tensor handle T. Shapes are static and checked at
 * each call; a mismatch throws a DparError that names the operation and the shapes. Axes may be negative (-1 = last).
 * Arguments written `T | number` take a scalar constant, of the other argument's type.
 */
export interface Ops<T> {
  typeOf(x: T): TensorType;
  shapeOf(x: T): Shape;
  constant(value: HostTensor): T;
  scalar(value: number, dtype?: DType): T;
  /**
   * 0, 1, ..., size - 1: int32 [size]. Unlike a constant of these numbers it also serves sizes that are open while a function
   * is compiled (`dynamicAxes`), so functions make masks and indices of it.
   */
  range(size: number): T;
  /** Applies a primitive by name: the door for code that is generic over primitives. */
  apply<P extends Primitive>(primitive: P, inputs: readonly T[], attributes: AttributesOf<P>): T;
  /**
   * Calls a function. Where gradients are recorded, nothing of what it computes is kept for the backward pass but its
   * inputs and outputs: the rest is computed a second time there (Chen et al., "Training deep nets with sublinear memory
   * cost", 2016). All tensors that the function reads must be among the inputs.
   */
  recompute(fn: TensorFunction, inputs: Tensors<T>): Tensors<T>;

  neg(x: T): T;
  abs(x: T): T;
  exp(x: T): T;
  log(x: T): T;
  sqrt(x: T): T;
  reciprocal(x: T): T;
  sin(x: T): T;
  cos(x: T): T;
  tanh(x: T): T;
  sigmoid(x: T): T;
  /** x sigmoid(x) */
  silu(x: T): T;
  square(x: T): T;
  not(x: T): T;
  /** float32 to int32 truncates towards zero; anything but 0 is true. */
  cast(x: T, dtype: DType): T;

  add(a: T | number, b: T | number): T;
  sub(a: T | number, b: T | number): T;
  mul(a: T | number, b: T | number): T;
  div(a: T | number, b: T | number): T;
  maximum(a: T | number, b: T | number): T;
  minimum(a: T | number, b: T | number): T;
  equal(a: T, b: T): T;
  less(a: T, b: T): T;
  lessEqual(a: T, b: T): T;
  and(a: T, b: T): T;
  or(a: T, b: T): T;
  /** Elementwise `condition ? whenTrue : whenFalse`, with broadcasting. */
  select(condition: T, whenTrue: T | number, whenFalse: T | number): T;

  /** One dimension may be -1: it is computed. */
  reshape(x: T, shape: Shape): T;
  /** Axis i of the result is axis `permutation[i]` of x. */
  transpose(x: T, permutation: readonly number[]): T;
  broadcast(x: T, shape: Shape): T;
  concat(xs: readonly T[], axis: number): T;
  /** `size` elements from `start` along one axis. */
  slice(x: T, axis: number, start: number, size: number): T;
  /** Consecutive parts of the given sizes along one axis. */
  split(x: T, axis: number, sizes: readonly number[]): T[];
  /** Zeros before and after along one axis. */
  pad(x: T, axis: number, before: number, after: number): T;

  /** Rows by index: x [N, ...], indices [...] int32 in 0..N-1 -> [...indices, ...]. */
  takeRows(x: T, indices: T): T;
  /** Adds `values` [...indices, ...] into `rows` rows of zeros at `indices`: the adjoint of `takeRows`. */
  scatterAddRows(values: T, indices: T, rows: number): T;
  /**
   * Rows by index where each row is used at most once, so that the gradient is a gather too. `indices` [...] gives the
   * row of x [N, ...] for each place of the result, or -1 for zeros; `inverse` [N] gives the place (flat) at which each
   * row went, or -1 if nowhere. The two must belong together; this is not checked.
   */
  takeRowsOnce(x: T, indices: T, inverse: T): T;
  /** One element of each last axis: x [..., V], indices [...] int32 -> [...]. */
  takeLast(x: T, indices: T): T;
  /** Each value at its index in a last axis of zeros of the given size: the adjoint of `takeLast`. */
  scatterLast(values: T, indices: T, size: number): T;

  sum(x: T, options?: ReductionOptions): T;
  mean(x: T, options?: ReductionOptions): T;
  max(x: T, options?: ReductionOptions): T;
  /** Index of the (first) largest element of the last axis, int32. */
  argMax(x: T): T;

  /** Batched matrix product of the last two axes; batch axes broadcast. */
  matmul(a: T, b: T, options?: MatmulOptions): T;
  /** Over the last axis. */
  softmax(x: T): T;
  /** Over the last axis; natural logarithm. */
  logSoftmax(x: T): T;
  /** x / sqrt(mean(x^2) + epsilon) * weight over the last axis: x [..., D], weight [D] (Zhang and Sennrich, 2019). */
  rmsNorm(x: T, weight: T, epsilon: number): T;
  /**
   * Rotates pairs of x [B, T, H * headDim] by table [1 or B, T, headDim / 2, 2] of (cos, sin), the same for each head.
   * Pairs are (2i, 2i + 1), or (i, i + headDim / 2) if `interleaved` is false. The table is a constant to gradients.
   */
  rotary(x: T, table: T, options?: { readonly interleaved?: boolean }): T;

  /** Convolution: x [B, I, H, W], weight [O, I, h, w]. Padding: top, left, bottom, right. */
  conv2d(x: T, weight: T, options?: Partial<ConvolutionAttributes>): T;
  /** Repeats each pixel of x [B, C, H, W] `factor` times in both directions. */
  resizeNearest(x: T, factor: number): T;
  /** The largest element of each window of x [B, C, H, W] -> [B, C, H', W']. */
  maxPool2d(x: T, options: PoolingOptions): T;
  /** The mean of each window of x [B, C, H, W], over as many elements as lie within the image -> [B, C, H', W']. */
  averagePool2d(x: T, options: PoolingOptions): T;
}

/** Builds the {@link Ops} of a backend: fills in defaults, checks shapes and types, and calls the backend. */
export function createOps<T>(backend: Backend<T>): Ops<T> {
  checkArguments('createOps', { backend }, { backend: backendKinds });

  const typeOf = (x: T): TensorType => backend.typeOf(x);
  const shapeOf = (x: T): Shape => backend.typeOf(x).shape;

  const apply = <P extends Primitive>(primitive: P, inputs: readonly T[], attributes: AttributesOf<P>): T =>
    backend.apply(primitive, inputs, attributes, inferType(primitive, inputs.map(typeOf), attributes));

  const scalar = (value: number, dtype: DType = 'float32'): T => backend.constant(hostTensor(dtype, [], [value]));
  // A number takes the type of the tensor that it meets.
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
    conv2d: (x, weight, { stride = 1, padding = noPadding } = {}) => apply('conv2d', [x, weight], { stride, padding }),
    resizeNearest: (x, factor) => apply('resizeNearest', [x], { factor }),
    maxPool2d: pool('maxPool2d'),
    averagePool2d: pool('averagePool2d'),
  };
  return withCheckedArguments(ops, backend);
}

const noPadding: ConvolutionAttributes['padding'] = [0, 0, 0, 0];
