import { type HostTensor, hostTensor, type Ops } from '@dpar/tensor';
import { hostTypeOf } from '../tensor-data.js';
import { Constant, type Operator, type OperatorCall, type Operators } from './call.js';

function unary(compute: <T>(ops: Ops<T>, x: T) => T): Operator {
  return (call) => compute(call.ops, call.x(0));
}

function binary(compute: <T>(ops: Ops<T>, a: T, b: T) => T): Operator {
  return (call) => compute(call.ops, call.x(0), call.x(1));
}

/** Applies a function of two tensors to any number of them, from left to right. */
function chain(compute: <T>(ops: Ops<T>, a: T, b: T) => T): Operator {
  return (call) => call.all().reduce((a, b) => compute(call.ops, a, b));
}

/** A function of known numbers only, for the arithmetic of shapes. */
function ofKnown(compute: (x: number) => number): Operator {
  return (call) => {
    const { dtype, shape, data } = call.constant(0, 'an input');
    return new Constant(hostTensor(dtype, shape, Array.from(data, compute)));
  };
}

function sigmoidLine<T>(ops: Ops<T>, x: T, alpha: number, beta: number): T {
  return ops.minimum(ops.maximum(ops.add(ops.mul(x, alpha), beta), 0), 1);
}

/** log(1 + exp(x)) without overflow. */
function softplus<T>(ops: Ops<T>, x: T): T {
  return ops.add(ops.maximum(x, 0), ops.log(ops.add(ops.exp(ops.neg(ops.abs(x))), 1)));
}

/** alpha (exp(x) - 1) below 0. The minimum keeps the exponential finite where it is not used. */
function elu<T>(ops: Ops<T>, x: T, alpha: number): T {
  const below = ops.mul(ops.sub(ops.exp(ops.minimum(x, 0)), 1), alpha);
  return ops.select(ops.less(x, ops.scalar(0)), below, x);
}

/** x P(X <= x) of a normal number (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
function gelu<T>(ops: Ops<T>, x: T): T {
  return ops.mul(ops.mul(x, 0.5), ops.add(ops.erf(ops.mul(x, Math.SQRT1_2)), 1));
}

function geluByTanh<T>(ops: Ops<T>, x: T): T {
  const inner = ops.mul(ops.add(x, ops.mul(ops.mul(ops.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return ops.mul(ops.mul(x, 0.5), ops.add(ops.tanh(inner), 1));
}

/** x^n by repeated squaring. */
function wholePower<T>(ops: Ops<T>, x: T, n: number): T {
  if (n === 1) return x;
  const half = wholePower(ops, x, Math.floor(n / 2));
  const square = ops.square(half);
  return n % 2 === 0 ? square : ops.mul(square, x);
}

function power<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const { data } = call.constant(1, 'an exponent');
  const [exponent = 1] = data;
  if (data.some((value) => value !== exponent)) throw call.refuse('one exponent', `${data.length} different ones`);
  const x = call.x(0);
  const size = Math.abs(exponent);
  if (exponent === 0) return ops.add(ops.mul(x, 0), 1);
  let result: T;
  if (size === 0.5) result = ops.sqrt(x);
  else if (Number.isInteger(size) && size <= 16) result = wholePower(ops, x, size);
  else return ops.exp(ops.mul(ops.log(x), exponent));
  return exponent < 0 ? ops.reciprocal(result) : result;
}

/** Whole numbers are divided towards zero, and only known ones. */
function divide<T>(call: OperatorCall<T>): T | Constant {
  const { ops } = call;
  if (call.dtype(0) === 'float32') return ops.div(call.x(0), call.x(1));
  return wholeNumbers(call, (a, b) => Math.trunc(a / b));
}

function modulo<T>(call: OperatorCall<T>): Constant {
  return wholeNumbers(call, (a, b) => (call.int('fmod', 0) === 1 ? a % b : a - b * Math.floor(a / b)));
}

/** A function of two known tensors of one shape, or of one and a number. */
function wholeNumbers<T>(call: OperatorCall<T>, compute: (a: number, b: number) => number): Constant {
  const [a, b] = [call.constant(0, 'whole numbers'), call.constant(1, 'whole numbers')];
  if (a.data.length !== b.data.length && a.data.length !== 1 && b.data.length !== 1) {
    throw call.refuse('two tensors of one shape', `[${a.shape}] and [${b.shape}]`);
  }
  const { shape } = a.data.length >= b.data.length ? a : b;
  const at = ({ data }: HostTensor, i: number): number => data[data.length === 1 ? 0 : i] as number;
  const length = Math.max(a.data.length, b.data.length);
  return new Constant(
    hostTensor(
      a.dtype,
      shape,
      Array.from({ length }, (_, i) => compute(at(a, i), at(b, i))),
    ),
  );
}

/** Limits between which values are kept: inputs, or attributes before operator set 11. */
function clip<T>(call: OperatorCall<T>): T {
  const { ops, node } = call;
  const limit = (input: number, name: string): T | number | undefined =>
    call.has(input) ? call.x(input) : node.attributes[name]?.float;
  const [low, high] = [limit(1, 'min'), limit(2, 'max')];
  const raised = low === undefined ? call.x(0) : ops.maximum(call.x(0), low);
  return high === undefined ? raised : ops.minimum(raised, high);
}

function castTo<T>(call: OperatorCall<T>): T {
  const type = call.int('to', 1);
  const dtype = hostTypeOf(type);
  if (dtype === undefined) throw call.refuse('a cast to numbers', `one to type ${type}`);
  return call.ops.cast(call.x(0), dtype);
}

/** Elementwise operators. */
export const elementwise: Operators = {
  Abs: unary((ops, x) => ops.abs(x)),
  Cos: unary((ops, x) => ops.cos(x)),
  Erf: unary((ops, x) => ops.erf(x)),
  Exp: unary((ops, x) => ops.exp(x)),
  Identity: unary((_, x) => x),
  // Nothing is dropped in inference.
  Dropout: unary((_, x) => x),
  IsNaN: unary((ops, x) => ops.not(ops.equal(x, x))),
  Log: unary((ops, x) => ops.log(x)),
  Neg: unary((ops, x) => ops.neg(x)),
  Not: unary((ops, x) => ops.not(x)),
  Reciprocal: unary((ops, x) => ops.reciprocal(x)),
  Relu: unary((ops, x) => ops.maximum(x, 0)),
  Sigmoid: unary((ops, x) => ops.sigmoid(x)),
  Sin: unary((ops, x) => ops.sin(x)),
  Sqrt: unary((ops, x) => ops.sqrt(x)),
  Tanh: unary((ops, x) => ops.tanh(x)),
  Softplus: unary(softplus),
  Softsign: unary((ops, x) => ops.div(x, ops.add(ops.abs(x), 1))),
  Mish: unary((ops, x) => ops.mul(x, ops.tanh(softplus(ops, x)))),
  HardSwish: unary((ops, x) => ops.mul(x, sigmoidLine(ops, x, 1 / 6, 0.5))),
  HardSigmoid: (call) => sigmoidLine(call.ops, call.x(0), call.float('alpha', 0.2), call.float('beta', 0.5)),
  Elu: (call) => elu(call.ops, call.x(0), call.float('alpha', 1)),
  Selu: (call) => {
    const [alpha, gamma] = [call.float('alpha', 1.6732631921768188), call.float('gamma', 1.0507010221481323)];
    return call.ops.mul(elu(call.ops, call.x(0), alpha), gamma);
  },
  LeakyRelu: (call) => {
    const { ops } = call;
    const x = call.x(0);
    return ops.select(ops.less(x, ops.scalar(0)), ops.mul(x, call.float('alpha', 0.01)), x);
  },
  PRelu: binary((ops, x, slope) => ops.select(ops.less(x, ops.scalar(0)), ops.mul(x, slope), x)),
  Swish: (call) => call.ops.mul(call.x(0), call.ops.sigmoid(call.ops.mul(call.x(0), call.float('alpha', 1)))),
  Gelu: (call) =>
    call.string('approximate', 'none') === 'tanh' ? geluByTanh(call.ops, call.x(0)) : gelu(call.ops, call.x(0)),
  Clip: clip,
  Cast: castTo,
  CastLike: (call) => call.ops.cast(call.x(0), call.dtype(1)),

  Add: binary((ops, a, b) => ops.add(a, b)),
  Sub: binary((ops, a, b) => ops.sub(a, b)),
  Mul: binary((ops, a, b) => ops.mul(a, b)),
  Div: divide,
  Mod: modulo,
  Pow: power,
  Max: chain((ops, a, b) => ops.maximum(a, b)),
  Min: chain((ops, a, b) => ops.minimum(a, b)),
  Sum: chain((ops, a, b) => ops.add(a, b)),
  Equal: binary((ops, a, b) => ops.equal(a, b)),
  Less: binary((ops, a, b) => ops.less(a, b)),
  LessOrEqual: binary((ops, a, b) => ops.lessEqual(a, b)),
  Greater: binary((ops, a, b) => ops.less(b, a)),
  GreaterOrEqual: binary((ops, a, b) => ops.lessEqual(b, a)),
  And: binary((ops, a, b) => ops.and(a, b)),
  Or: binary((ops, a, b) => ops.or(a, b)),
  Where: (call) => call.ops.select(call.x(0), call.x(1), call.x(2)),
  Floor: ofKnown(Math.floor),
  Ceil: ofKnown(Math.ceil),
};
