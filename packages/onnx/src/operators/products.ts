import { type Ops, sizeOf } from '@dpar/tensor';
import type { Operator, OperatorCall, Operators } from './call.js';

function gemm<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const product = ops.matmul(call.x(0), call.x(1), {
    transposeA: call.int('transA', 0) === 1,
    transposeB: call.int('transB', 0) === 1,
    scale: call.float('alpha', 1),
  });
  if (!call.has(2)) return product;
  const beta = call.float('beta', 1);
  return ops.add(product, beta === 1 ? call.x(2) : ops.mul(call.x(2), beta));
}

function matmul<T>(call: OperatorCall<T>): T {
  const [a, b] = [call.shape(0), call.shape(1)];
  if (a.length >= 2 && b.length >= 2) return call.ops.matmul(call.x(0), call.x(1));
  throw call.refuse('a product of matrices', `[${a.join(', ')}] and [${b.join(', ')}]`);
}

function softmaxBy(softmax: <T>(ops: Ops<T>, x: T) => T): Operator {
  return <T>(call: OperatorCall<T>): T => {
    const { ops } = call;
    const shape = call.shape(0);
    const rank = shape.length;
    const axis = call.axis(call.int('axis', call.opset < 13 ? 1 : -1), rank);
    if (axis === rank - 1) return softmax(ops, call.x(0));
    // Before operator set 13, all axes from the given one count as one.
    if (call.opset < 13) {
      const flat = ops.reshape(call.x(0), [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))]);
      return ops.reshape(softmax(ops, flat), shape);
    }
    const toLast = shape.map((_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
    return ops.transpose(softmax(ops, ops.transpose(call.x(0), toLast)), toLast);
  };
}

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** Operator that reduces axes, which are an attribute or, in newer operator sets, an input. */
function reduction(reduce: <T>(ops: Ops<T>, x: T, options: Reduction) => T): Operator {
  return <T>(call: OperatorCall<T>): T => {
    const rank = call.shape(0).length;
    const given = call.numbers(1, 'axes');
    const isEmpty = given === undefined || given.length === 0;
    if (isEmpty && call.int('noop_with_empty_axes', 0) === 1) return call.x(0);
    const axes = isEmpty ? Array.from({ length: rank }, (_, i) => i) : given.map((axis) => call.axis(axis, rank));
    return reduce(call.ops, call.x(0), { axes, keepDims: call.int('keepdims', 1) === 1 });
  };
}

/** Matrix products, softmax and reductions. */
export const products: Operators = {
  Gemm: gemm,
  MatMul: matmul,
  Softmax: softmaxBy((ops, x) => ops.softmax(x)),
  LogSoftmax: softmaxBy((ops, x) => ops.logSoftmax(x)),
  ReduceMean: reduction((ops, x, options) => ops.mean(x, options)),
  ReduceSum: reduction((ops, x, options) => ops.sum(x, options)),
  ReduceMax: reduction((ops, x, options) => ops.max(x, options)),
  ReduceMin: reduction((ops, x, options) => ops.neg(ops.max(ops.neg(x), options))),
  ReduceSumSquare: reduction((ops, x, options) => ops.sum(ops.square(x), options)),
  ReduceL1: reduction((ops, x, options) => ops.sum(ops.abs(x), options)),
  ReduceL2: reduction((ops, x, options) => ops.sqrt(ops.sum(ops.square(x), options))),
};
