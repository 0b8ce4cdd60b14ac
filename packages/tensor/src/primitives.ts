import type { DType, Shape } from './types.js';

/** Attributes of a primitive without attributes. */
export type None = Readonly<Record<never, never>>;

/** Attributes of reductions. Reduced axes stay, with size 1. */
export interface ReductionAttributes {
  readonly axes: readonly number[];
}

/** Attributes of the convolution and its two adjoints. Padding: top, left, bottom, right. */
export interface ConvolutionAttributes {
  readonly stride: number;
  readonly padding: readonly [number, number, number, number];
}

/** Attributes of pooling. Kernel: height, width. Padding: top, left, bottom, right, each below the kernel's size. */
export interface PoolingAttributes extends ConvolutionAttributes {
  readonly kernel: readonly [number, number];
}

/** Elementwise primitives of one input, without attributes. */
interface UnaryAttributes {
  neg: None;
  abs: None;
  exp: None;
  log: None;
  sqrt: None;
  reciprocal: None;
  sin: None;
  cos: None;
  tanh: None;
  erf: None;
  sigmoid: None;
  silu: None;
  not: None;
}

/** Elementwise primitives of two inputs that broadcast, without attributes. */
interface BinaryAttributes {
  add: None;
  sub: None;
  mul: None;
  div: None;
  maximum: None;
  minimum: None;
  equal: None;
  less: None;
  lessEqual: None;
  and: None;
  or: None;
}

/**
 * Every primitive with its attributes. The types of all other tables follow from this one: shape rules, gradient rules,
 * reference kernels and emitters are `{ [P in Primitive]: ... }`. A forgotten entry does not compile.
 */
export interface PrimitiveAttributes extends UnaryAttributes, BinaryAttributes {
  cast: { readonly dtype: DType };
  /** (condition, whenTrue, whenFalse), with broadcasting */
  select: None;
  // Layout
  reshape: { readonly shape: Shape };
  transpose: { readonly permutation: readonly number[] };
  broadcast: { readonly shape: Shape };
  concat: { readonly axis: number };
  slice: { readonly axis: number; readonly start: number; readonly size: number };
  /** Zeros before and after along one axis: the adjoint of `slice`. */
  pad: { readonly axis: number; readonly before: number; readonly after: number };
  // Indexing
  /** (x [N, ...], indices [...]) */
  takeRows: None;
  /** (values [...indices, ...], indices) -> [rows, ...]: the adjoint of `takeRows`. */
  scatterAddRows: { readonly rows: number };
  /** (x [N, ...], indices [...], inverse [N]): rows, each used at most once. */
  takeRowsOnce: None;
  /** (x [..., V], indices [...]) -> [...] */
  takeLast: None;
  /** (values [...], indices [...]) -> [..., size]: the adjoint of `takeLast`. */
  scatterLast: { readonly size: number };
  // Reductions
  sum: ReductionAttributes;
  mean: ReductionAttributes;
  max: ReductionAttributes;
  argMax: None;
  // Products and fused kernels
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly scale: number };
  softmax: None;
  logSoftmax: None;
  /** (x [..., D], weight [D]) */
  rmsNorm: { readonly epsilon: number };
  /** (x [B, T, H * headDim], table [1 or B, T, headDim / 2, 2]) */
  rotary: { readonly interleaved: boolean };
  // Images: NCHW, weights OIHW
  conv2d: ConvolutionAttributes;
  /** (gradient [B, O, H', W'], weight) -> [B, I, H, W] */
  conv2dInputGradient: ConvolutionAttributes & { readonly height: number; readonly width: number };
  /** (x, gradient [B, O, H', W']) -> [O, I, kernelHeight, kernelWidth] */
  conv2dWeightGradient: ConvolutionAttributes & { readonly kernelHeight: number; readonly kernelWidth: number };
  resizeNearest: { readonly factor: number };
  /** (x [B, C, H, W], weight [C], bias [C]): over the channels of a group and all pixels. Groups divide C. */
  groupNorm: { readonly groups: number; readonly epsilon: number };
  /** Largest element of each window. Padding does not count. */
  maxPool2d: PoolingAttributes;
  /** Mean of each window. Padding does not count. */
  averagePool2d: PoolingAttributes;
}

/** Name of a primitive. */
export type Primitive = keyof PrimitiveAttributes;

/** Elementwise primitives of one input, without attributes. */
export type UnaryPrimitive = keyof UnaryAttributes;

/** Elementwise primitives of two inputs that broadcast, without attributes. */
export type BinaryPrimitive = keyof BinaryAttributes;

/** All elementwise primitives. */
export type ElementwisePrimitive = UnaryPrimitive | BinaryPrimitive | 'cast' | 'select';

/** Attributes of the primitive `P`. */
export type AttributesOf<P extends Primitive> = PrimitiveAttributes[P];

type TwoInputs =
  | BinaryPrimitive
  | ('takeRows' | 'scatterAddRows' | 'takeLast' | 'scatterLast')
  | ('matmul' | 'rmsNorm' | 'rotary' | 'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient');
type ThreeInputs = 'select' | 'takeRowsOnce' | 'groupNorm';

/** Inputs of the primitive `P`, in order: one to three tensor handles T, any number for `concat`. */
export type InputsOf<P extends Primitive, T> = P extends 'concat'
  ? readonly T[]
  : P extends ThreeInputs
    ? readonly [T, T, T]
    : P extends TwoInputs
      ? readonly [T, T]
      : readonly [T];
