import type { AttributesOf, ConvolutionAttributes, PoolingAttributes, Primitive } from './primitives.js';
import type { DType, HostTensor, Shape, Tensors, TensorType } from './types.js';

/** Options of reductions. */
export interface ReductionOptions {
  /** Axes to reduce. Default: all. */
  readonly axes?: readonly number[] | number;
  /** Keeps the reduced axes, with size 1 (default: false). */
  readonly keepDims?: boolean;
}

/** Options of {@link Ops.matmul}. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor on the product, default 1. */
  readonly scale?: number;
}

/** Options of pooling. Default: stride 1 and no padding. Padding does not count. */
export type PoolingOptions = Pick<PoolingAttributes, 'kernel'> & Partial<PoolingAttributes>;

/**
 * Tensor interface that models are written in, generic in the tensor handle T. Each call checks shapes; a mismatch throws
 * a DparError that names the operation and the shapes. Axes may be negative (-1 is the last). An argument `T | number`
 * takes a scalar constant of the other argument's type.
 */
export interface Ops<T> {
  typeOf(x: T): TensorType;
  shapeOf(x: T): Shape;
  constant(value: HostTensor): T;
  scalar(value: number, dtype?: DType): T;
  /**
   * 0, 1, ..., size - 1: int32 [size]. Unlike a constant of these numbers, it also serves open sizes (`dynamicAxes`), so
   * functions build masks and indices from it.
   */
  range(size: number): T;
  /** Applies a primitive by name, for code that is generic over primitives. */
  apply<P extends Primitive>(primitive: P, inputs: readonly T[], attributes: AttributesOf<P>): T;
  /**
   * Calls a function and keeps only its inputs and outputs for the backward pass, which recomputes the rest. Source:
   * Chen et al., "Training deep nets with sublinear memory cost", 2016. All tensors that the function reads must be
   * among the inputs.
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
  /** Error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
  erf(x: T): T;
  sigmoid(x: T): T;
  /** x sigmoid(x) */
  silu(x: T): T;
  square(x: T): T;
  not(x: T): T;
  /** Converts the element type. float32 to int32 truncates towards zero; every number but 0 is true. */
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

  /** Changes the shape. One dimension may be -1, which is then computed. */
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
   * Rows by index, each used at most once. The gradient is then a gather too. `indices` [...] gives the row of x [N,
   * ...] for each place of the result, or -1 for zeros. `inverse` [N] gives the flat place of each row, or -1 if it is
   * unused. The two must belong together, which is not checked.
   */
  takeRowsOnce(x: T, indices: T, inverse: T): T;
  /** One element of each last axis: x [..., V], indices [...] int32 -> [...]. */
  takeLast(x: T, indices: T): T;
  /** Each value at its index of a last axis of `size` zeros: the adjoint of `takeLast`. */
  scatterLast(values: T, indices: T, size: number): T;

  sum(x: T, options?: ReductionOptions): T;
  mean(x: T, options?: ReductionOptions): T;
  max(x: T, options?: ReductionOptions): T;
  /** Index of the (first) largest element of the last axis, int32. */
  argMax(x: T): T;

  /** Batched matrix product of the last two axes; batch axes broadcast. */
  matmul(a: T, b: T, options?: MatmulOptions): T;
  /** Softmax over the last axis. */
  softmax(x: T): T;
  /** Natural logarithm of the softmax over the last axis. */
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
  /**
   * (x - mean) / sqrt(variance + epsilon) * weight + bias, with mean and variance over the channels of a group and all pixels:
   * x [B, C, H, W], weight and bias [C] (Wu and He 2018, arXiv:1803.08494).
   * @param options.groups Number of groups of channels; it divides C.
   */
  groupNorm(x: T, weight: T, bias: T, options: { readonly groups: number; readonly epsilon: number }): T;
  /** Repeats each pixel of x [B, C, H, W] `factor` times in both directions. */
  resizeNearest(x: T, factor: number): T;
  /** Largest element of each window of x [B, C, H, W] -> [B, C, H', W']. */
  maxPool2d(x: T, options: PoolingOptions): T;
  /** Mean of each window of x [B, C, H, W], without padding -> [B, C, H', W']. */
  averagePool2d(x: T, options: PoolingOptions): T;
}

/**
 * Function over the tensor interface, from named tensors to named tensors. It is generic in the tensor handle, so it can be
 * run, traced or differentiated. It must depend only on its inputs and their types.
 */
export type TensorFunction = <T>(ops: Ops<T>, inputs: Tensors<T>) => Tensors<T>;
