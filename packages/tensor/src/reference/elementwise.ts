import type { AttributesOf, ElementwisePrimitive, Primitive } from '../primitives.js';
import { broadcastOffsets, inputOf, type Kernel, type Kernels, type ReferenceTensor } from './kernel.js';

function unary<P extends Primitive>(f: (x: number, attributes: AttributesOf<P>) => number): Kernel<P> {
  return (inputs, attributes, output) => {
    inputOf(inputs, 0).data.forEach((x, i) => {
      output.data[i] = f(x, attributes);
    });
  };
}

/** Reads the inputs as if each had been broadcast to the output's shape. */
function broadcasting<P extends Primitive>(
  f: (values: readonly number[], inputs: readonly ReferenceTensor[]) => number,
): Kernel<P> {
  return (inputs, _, output) => {
    const offsets = inputs.map((x) => broadcastOffsets(x.shape, output.shape));
    for (let i = 0; i < output.data.length; i++) {
      const values = inputs.map((x, n) => x.data[offsets[n]![i]!]!);
      output.data[i] = f(values, inputs);
    }
  };
}

function binary<P extends Primitive>(f: (a: number, b: number) => number): Kernel<P> {
  return broadcasting(([a, b]) => f(a!, b!));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

const castTo: { readonly [D in AttributesOf<'cast'>['dtype']]: (x: number) => number } = {
  float32: (x) => x,
  int32: Math.trunc,
  bool: (x) => (x === 0 ? 0 : 1),
};

/** Elementwise kernels. Typed arrays round floats and wrap int32 around when the results are stored. */
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
  sigmoid: unary(sigmoid),
  silu: unary((x) => x * sigmoid(x)),
  not: unary((x) => (x === 0 ? 1 : 0)),
  cast: unary((x, { dtype }) => castTo[dtype](x)),

  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  // The product of two int32 may not fit a float64: it is computed modulo 2^32.
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
