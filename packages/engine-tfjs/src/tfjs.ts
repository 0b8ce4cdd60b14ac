/** A tensor of TensorFlow.js, as far as this package looks at it. */
export interface TfjsTensor {
  /** No two tensors have the same. */
  readonly id: number;
  readonly shape: number[];
  readonly dtype: string;
  data(): Promise<ArrayLike<number> | string[]>;
  dataSync(): ArrayLike<number> | string[];
  dispose(): void;
}

/** Zeros before and after, for each axis. */
export type Paddings = [before: number, after: number][];

/**
 * What this package calls of a TensorFlow.js namespace. `@tensorflow/tfjs-core` with a backend, `@tensorflow/tfjs`,
 * `@tensorflow/tfjs-node` and `@tensorflow/tfjs-node-gpu` all have it. It is described by its structure, so that none of
 * these has to be installed for the types of this package, and each copy or version that has these functions fits.
 */
export interface Tfjs {
  abs(x: TfjsTensor): TfjsTensor;
  add(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  argMax(x: TfjsTensor, axis?: number): TfjsTensor;
  cast(x: TfjsTensor, dtype: 'float32' | 'int32' | 'bool'): TfjsTensor;
  clone(x: TfjsTensor): TfjsTensor;
  concat(xs: TfjsTensor[], axis?: number): TfjsTensor;
  conv2d(
    x: TfjsTensor,
    filter: TfjsTensor,
    strides: number,
    pad: 'valid',
    dataFormat?: 'NHWC',
    dilations?: number,
  ): TfjsTensor;
  conv2dTranspose(
    x: TfjsTensor,
    filter: TfjsTensor,
    outputShape: [number, number, number, number],
    strides: number,
    pad: 'valid',
  ): TfjsTensor;
  cos(x: TfjsTensor): TfjsTensor;
  div(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  equal(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  exp(x: TfjsTensor): TfjsTensor;
  fill(shape: number[], value: number, dtype?: 'float32' | 'int32' | 'bool'): TfjsTensor;
  gather(x: TfjsTensor, indices: TfjsTensor, axis?: number, batchDims?: number): TfjsTensor;
  gatherND(x: TfjsTensor, indices: TfjsTensor): TfjsTensor;
  getBackend(): string;
  less(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  lessEqual(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  log(x: TfjsTensor): TfjsTensor;
  logicalAnd(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  logicalNot(x: TfjsTensor): TfjsTensor;
  logicalOr(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  matMul(a: TfjsTensor, b: TfjsTensor, transposeA?: boolean, transposeB?: boolean): TfjsTensor;
  max(x: TfjsTensor, axes?: number[], keepDims?: boolean): TfjsTensor;
  maximum(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  mean(x: TfjsTensor, axes?: number[], keepDims?: boolean): TfjsTensor;
  minimum(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  mul(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  neg(x: TfjsTensor): TfjsTensor;
  notEqual(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  pad(x: TfjsTensor, paddings: Paddings): TfjsTensor;
  reciprocal(x: TfjsTensor): TfjsTensor;
  reshape(x: TfjsTensor, shape: number[]): TfjsTensor;
  rsqrt(x: TfjsTensor): TfjsTensor;
  scalar(value: number, dtype?: 'float32' | 'int32' | 'bool'): TfjsTensor;
  scatterND(indices: TfjsTensor, updates: TfjsTensor, shape: number[]): TfjsTensor;
  sigmoid(x: TfjsTensor): TfjsTensor;
  sin(x: TfjsTensor): TfjsTensor;
  slice(x: TfjsTensor, begin: number[], size: number[]): TfjsTensor;
  softmax(x: TfjsTensor): TfjsTensor;
  sqrt(x: TfjsTensor): TfjsTensor;
  square(x: TfjsTensor): TfjsTensor;
  sub(a: TfjsTensor, b: TfjsTensor): TfjsTensor;
  sum(x: TfjsTensor, axes?: number[], keepDims?: boolean): TfjsTensor;
  tanh(x: TfjsTensor): TfjsTensor;
  tensor(
    values: Float32Array | Int32Array | Uint8Array,
    shape?: number[],
    dtype?: 'float32' | 'int32' | 'bool',
  ): TfjsTensor;
  tile(x: TfjsTensor, repetitions: number[]): TfjsTensor;
  transpose(x: TfjsTensor, permutation?: number[]): TfjsTensor;
  where(condition: TfjsTensor, whenTrue: TfjsTensor, whenFalse: TfjsTensor): TfjsTensor;

  keep(x: TfjsTensor): TfjsTensor;
  tidy<R extends TfjsTensor | undefined>(fn: () => R): R;
  memory(): { readonly numTensors: number; readonly numBytes: number };
}
