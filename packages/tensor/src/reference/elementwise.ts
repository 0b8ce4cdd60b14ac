import type { BinaryPrimitive, ElementwisePrimitive, UnaryPrimitive } from '../primitives.js';
import type { DType } from '../types.js';
import { broadcastOffsets, type Kernel, type Kernels, type ReferenceTensor } from './kernel.js';

/** output[i] = f(x[i]) */
function map(f: (x: number) => number, x: ReferenceTensor, output: ReferenceTensor): void {
  x.data.forEach((value, i) => {
    output.data[i] = f(value);
  });
}

function unary(f: (x: number) => number): Kernel<UnaryPrimitive> {
  return ([x], _, output) => map(f, x, output);
}

/** Applies `f` elementwise, with all inputs broadcast to the output's shape. */
function broadcasting(
  f: (values: readonly number[], inputs: readonly ReferenceTensor[]) => number,
): Kernel<BinaryPrimitive | 'select'> {
  return (inputs: readonly ReferenceTensor[], _, output) => {
    const offsets = inputs.map((x) => broadcastOffsets(x.shape, output.shape));
    for (let i = 0; i < output.data.length; i++) {
      const values = inputs.map((x, n) => x.data[offsets[n]![i]!]!);
      output.data[i] = f(values, inputs);
    }
  };
}

function binary(f: (a: number, b: number) => number): Kernel<BinaryPrimitive> {
  return broadcasting(([a, b]) => f(a!, b!));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Error function, by a series of terms of one sign: 2 / sqrt(pi) exp(-x^2) sum of (2 x^2)^n x / (1 3 5 ... (2 n + 1)). */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const castTo: { readonly [D in DType]: (x: number) => number } = {
  float32: (x) => x,
  int32: Math.trunc,
  bool: (x) => (x === 0 ? 0 : 1),
};

/** Elementwise kernels. Storing in a typed array rounds floats and wraps int32 around. */
export const elementwiseKernels: Kernels<ElementwisePrimitive> = {
  neg: unary((x) => -x),
  abs: unary(Math.abs),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  reciprocal: unary((x) => 1 / x),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  tanh: unary(Math.tanh),
  erf: unary(erf),
  sigmoid: unary(sigmoid),
  silu: unary((x) => x * sigmoid(x)),
  not: unary((x) => (x === 0 ? 1 : 0)),
  cast: ([x], { dtype }, output) => map(castTo[dtype], x, output),

  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  // The product of two int32 can exceed the integers of a float64. It is computed modulo 2^32.
  mul: broadcasting(([a, b], [x]) => (x?.dtype === 'int32' ? Math.imul(a!, b!) : a! * b!)),
  div: binary((a, b) => a / b),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  equal: binary((a, b) => Number(a === b)),
  less: binary((a, b) => Number(a < b)),
  lessEqual: binary((a, b) => Number(a <= b)),
  and: binary((a, b) => Number(a !== 0 && b !== 0)),
  or: binary((a, b) => Number(a !== 0 || b !== 0)),
  select: broadcasting(([condition, whenTrue, whenFalse]) => (condition !== 0 ? whenTrue! : whenFalse!)),
};
