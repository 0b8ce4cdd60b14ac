import type { KindsOf } from '@dpar/check';

/** Part of a TensorFlow.js tensor that this package uses. */
export interface TfjsTensor {
  /** Number of the tensor; all differ. */
  readonly id: number;
  readonly shape: number[];
  readonly dtype: string;
  data(): Promise<ArrayLike<number> | string[]>;
  dataSync(): ArrayLike<number> | string[];
  dispose(): void;
}

/** Numbers of elements before and after, for each axis. */
export type Paddings = [before: number, after: number][];

/**
 * Part of a TensorFlow.js namespace that this package calls. `@tensorflow/tfjs-core` with a backend,
 * `@tensorflow/tfjs`, `@tensorflow/tfjs-node` and `@tensorflow/tfjs-node-gpu` all have it. The type is structural: the
 * types of this package need none of these installed, and accept every version with these functions. T is the
 * namespace's own type of tensors.
 */
export interface Tfjs<T extends TfjsTensor = TfjsTensor> {
  abs(x: T): T;
  add(a: T, b: T): T;
  argMax(x: T, axis?: number): T;
  avgPool(x: T, filterSize: [number, number], strides: number, pad: 'valid'): T;
  backend(): unknown;
  cast(x: T, dtype: 'float32' | 'int32' | 'bool'): T;
  concat(xs: T[], axis?: number): T;
  conv2d(x: T, filter: T, strides: number, pad: 'valid', dataFormat?: 'NHWC', dilations?: number): T;
  conv2dTranspose(x: T, filter: T, outputShape: [number, number, number, number], strides: number, pad: 'valid'): T;
  cos(x: T): T;
  div(a: T, b: T): T;
  equal(a: T, b: T): T;
  exp(x: T): T;
  fill(shape: number[], value: number, dtype?: 'float32' | 'int32' | 'bool'): T;
  gather(x: T, indices: T, axis?: number, batchDims?: number): T;
  gatherND(x: T, indices: T): T;
  getBackend(): string;
  less(a: T, b: T): T;
  lessEqual(a: T, b: T): T;
  log(x: T): T;
  logicalAnd(a: T, b: T): T;
  logicalNot(x: T): T;
  logicalOr(a: T, b: T): T;
  matMul(a: T, b: T, transposeA?: boolean, transposeB?: boolean): T;
  max(x: T, axes?: number[], keepDims?: boolean): T;
  maxPool(x: T, filterSize: [number, number], strides: number, pad: 'valid'): T;
  maximum(a: T, b: T): T;
  mean(x: T, axes?: number[], keepDims?: boolean): T;
  minimum(a: T, b: T): T;
  mul(a: T, b: T): T;
  neg(x: T): T;
  notEqual(a: T, b: T): T;
  pad(x: T, paddings: Paddings, constantValue?: number): T;
  reciprocal(x: T): T;
  reshape(x: T, shape: number[]): T;
  rsqrt(x: T): T;
  scalar(value: number, dtype?: 'float32' | 'int32' | 'bool'): T;
  scatterND(indices: T, updates: T, shape: number[]): T;
  sigmoid(x: T): T;
  sin(x: T): T;
  slice(x: T, begin: number[], size: number[]): T;
  softmax(x: T): T;
  sqrt(x: T): T;
  square(x: T): T;
  sub(a: T, b: T): T;
  sum(x: T, axes?: number[], keepDims?: boolean): T;
  tanh(x: T): T;
  erf(x: T): T;
  tensor(values: Float32Array | Int32Array | Uint8Array, shape?: number[], dtype?: 'float32' | 'int32' | 'bool'): T;
  tile(x: T, repetitions: number[]): T;
  transpose(x: T, permutation?: number[]): T;
  where(condition: T, whenTrue: T, whenFalse: T): T;

  keep(x: T): T;
  setBackend(name: string): Promise<boolean>;
  tidy<R extends T | undefined>(fn: () => R): R;
  memory(): { readonly numTensors: number; readonly numBytes: number };
}

/** Functions whose tensors have a type for each number of axes in TensorFlow.js. */
type Ranked = 'conv2d' | 'conv2dTranspose' | 'avgPool' | 'maxPool';

/** Namespace of a user, from which its type of tensors is inferred. */
export type TfjsNamespace<T extends TfjsTensor> = Omit<Tfjs<NoInfer<T>>, Ranked> &
  Pick<Tfjs<T>, 'tensor'> & { readonly [Name in Ranked]: (...args: never[]) => unknown };

/** Kinds of {@link TfjsNamespace}. */
export const tfjsNamespaceKinds: KindsOf<TfjsNamespace<TfjsTensor>> = {
  abs: 'function',
  add: 'function',
  backend: 'function',
  argMax: 'function',
  cast: 'function',
  concat: 'function',
  cos: 'function',
  div: 'function',
  equal: 'function',
  exp: 'function',
  fill: 'function',
  gather: 'function',
  gatherND: 'function',
  getBackend: 'function',
  less: 'function',
  lessEqual: 'function',
  log: 'function',
  logicalAnd: 'function',
  logicalNot: 'function',
  logicalOr: 'function',
  matMul: 'function',
  max: 'function',
  maximum: 'function',
  mean: 'function',
  minimum: 'function',
  mul: 'function',
  neg: 'function',
  notEqual: 'function',
  pad: 'function',
  reciprocal: 'function',
  reshape: 'function',
  rsqrt: 'function',
  scalar: 'function',
  scatterND: 'function',
  sigmoid: 'function',
  sin: 'function',
  slice: 'function',
  softmax: 'function',
  sqrt: 'function',
  square: 'function',
  sub: 'function',
  sum: 'function',
  tanh: 'function',
  erf: 'function',
  tensor: 'function',
  tile: 'function',
  transpose: 'function',
  where: 'function',
  keep: 'function',
  setBackend: 'function',
  tidy: 'function',
  memory: 'function',
  conv2d: 'function',
  conv2dTranspose: 'function',
  avgPool: 'function',
  maxPool: 'function',
  '*': 'any',
};
