import type { BinaryPrimitive, ElementwisePrimitive, UnaryPrimitive } from '@dpar/tensor';
import type { Tfjs, TfjsTensor } from '../tfjs.js';
import { broadcastTo, castTo, type Kernel, type Kernels } from './kernel.js';

function unary(call: (tf: Tfjs, x: TfjsTensor) => TfjsTensor): Kernel<UnaryPrimitive> {
  return ({ tf }, [x]) => call(tf, x);
}

function binary(call: (tf: Tfjs, a: TfjsTensor, b: TfjsTensor) => TfjsTensor): Kernel<BinaryPrimitive> {
  return ({ tf }, [a, b]) => call(tf, a, b);
}

/** Elementwise kernels. */
export const elementwiseKernels: Kernels<ElementwisePrimitive> = {
  neg: unary((tf, x) => tf.neg(x)),
  abs: unary((tf, x) => tf.abs(x)),
  exp: unary((tf, x) => tf.exp(x)),
  log: unary((tf, x) => tf.log(x)),
  sqrt: unary((tf, x) => tf.sqrt(x)),
  reciprocal: unary((tf, x) => tf.reciprocal(x)),
  sin: unary((tf, x) => tf.sin(x)),
  cos: unary((tf, x) => tf.cos(x)),
  tanh: unary((tf, x) => tf.tanh(x)),
  erf: unary((tf, x) => tf.erf(x)),
  sigmoid: ({ tf, backend }, [x]) => {
    const y = tf.sigmoid(x);
    // Some GPU drivers return 0 for NaN. The minimum of NaN and 0 is NaN, and so is its maximum with any number.
    return backend === 'webgpu' ? tf.maximum(y, tf.minimum(x, tf.scalar(0))) : y;
  },
  silu: unary((tf, x) => tf.mul(x, tf.sigmoid(x))),
  not: unary((tf, x) => tf.logicalNot(x)),
  cast: (context, [x], { dtype }) => castTo(context, x, dtype),

  add: binary((tf, a, b) => tf.add(a, b)),
  sub: binary((tf, a, b) => tf.sub(a, b)),
  mul: binary((tf, a, b) => tf.mul(a, b)),
  div: binary((tf, a, b) => tf.div(a, b)),
  maximum: binary((tf, a, b) => tf.maximum(a, b)),
  minimum: binary((tf, a, b) => tf.minimum(a, b)),
  equal: binary((tf, a, b) => tf.equal(a, b)),
  less: binary((tf, a, b) => tf.less(a, b)),
  lessEqual: binary((tf, a, b) => tf.lessEqual(a, b)),
  and: binary((tf, a, b) => tf.logicalAnd(a, b)),
  or: binary((tf, a, b) => tf.logicalOr(a, b)),
  select: (context, [condition, whenTrue, whenFalse], _, { dtype, shape }) => {
    const { tf } = context;
    if (dtype === 'bool') {
      // The WASM backend's kernel writes four bytes per element. A bool has one.
      const otherwise = tf.logicalAnd(tf.logicalNot(condition), whenFalse);
      return tf.logicalOr(tf.logicalAnd(condition, whenTrue), otherwise);
    }
    const whole = (x: TfjsTensor): TfjsTensor => broadcastTo(context, x, shape);
    return tf.where(whole(condition), whole(whenTrue), whole(whenFalse));
  },
};
