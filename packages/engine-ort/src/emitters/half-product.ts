import { type AttributesOf, type Shape, sizeOf } from '@dpar/tensor';
import { longestSum, partsOf } from '../graph/half-nodes.js';
import type { OnnxBuilder } from '../onnx/builder.js';
import type { OnnxAttributes } from '../onnx/model.js';
import type { Operand } from './emitter.js';

/** Name of a value in the ONNX graph, and its shape. */
interface Value {
  readonly name: string;
  readonly shape: Shape;
}

/**
 * Emits a product of operands in float16. The smaller operand is scaled, before the product, so that scaled scores are in
 * range. A sum of more than `longestSum` terms is cut into equal parts, whose products are added in float32.
 */
export function halfProduct(
  build: OnnxBuilder,
  operands: readonly [Operand, Operand],
  { transposeA, transposeB, scale }: AttributesOf<'matmul'>,
  output: Shape,
): string {
  const [a, b] = scaled(build, operands.map(inGraph) as [Value, Value], scale);
  const terms = a.shape.at(transposeA ? -2 : -1) as number;
  if (terms > longestSum) {
    const left = flat(build, a);
    const product = build.dynamic.isOpen(terms)
      ? openProduct(build, left, b)
      : cutProduct(build, [left, b], { transposeA, transposeB });
    return a.shape.length === 2 ? product : build.reshape(product, output, [left.shape[0] as number, 0]);
  }
  const single = b.shape.length > 2 && b.shape.length <= a.shape.length && sizeOf(b.shape.slice(0, -2)) === 1;
  const right = single ? { name: build.reshape(b.name, b.shape.slice(-2)), shape: b.shape.slice(-2) } : b;
  return build.apply('MatMul', [
    transposeA ? lastTwoSwapped(build, a) : a.name,
    transposeB ? lastTwoSwapped(build, right) : right.name,
  ]);
}

function inGraph({ name, type: { shape } }: Operand): Value {
  return { name, shape };
}

function scaled(build: OnnxBuilder, [a, b]: readonly [Value, Value], scale: number): [Value, Value] {
  if (scale === 1) return [a, b];
  const times = ({ name, shape }: Value): Value => ({
    name: build.apply('Mul', [name, build.float(scale, 'float16')]),
    shape,
  });
  return sizeOf(a.shape) <= sizeOf(b.shape) ? [times(a), b] : [a, times(b)];
}

/** Rows of all batches as one matrix. */
function flat(build: OnnxBuilder, { name, shape }: Value): Value {
  if (shape.length === 2) return { name, shape };
  const rows = [sizeOf(shape.slice(0, -1)), shape.at(-1) as number];
  return { name: build.reshape(name, rows, shape), shape: rows };
}

function lastTwoSwapped(build: OnnxBuilder, { name, shape: { length: rank } }: Value): string {
  const permutation = Array.from({ length: rank }, (_, axis) => axis);
  permutation.splice(-2, 2, rank - 1, rank - 2);
  return build.apply('Transpose', [name], { perm: { ints: permutation } });
}

/** Layout of a product of two matrices. */
type Layout = Pick<AttributesOf<'matmul'>, 'transposeA' | 'transposeB'>;

/**
 * Emits the product of two matrices with a long inner axis: a batch of products over parts of that axis, and their sum, which
 * ONNX Runtime's kernel keeps in float32.
 */
function cutProduct(build: OnnxBuilder, [a, b]: readonly [Value, Value], { transposeA, transposeB }: Layout): string {
  const terms = a.shape[transposeA ? 0 : 1] as number;
  const parts = partsOf(terms) ?? 1;
  // [terms, N] is already in parts one after the other, [N, terms] is not.
  const cut = ({ name, shape }: Value, inFirst: boolean, last: readonly number[], first: readonly number[]): string => {
    const N = shape[inFirst ? 1 : 0] as number;
    const sizes = inFirst ? [parts, terms / parts, N] : [N, parts, terms / parts];
    const order = inFirst ? first : last;
    const split = build.reshape(name, sizes);
    return order.every((axis, i) => axis === i) ? split : build.apply('Transpose', [split], { perm: { ints: order } });
  };
  const left = cut(a, transposeA, [1, 0, 2], [0, 2, 1]); // [parts, M, terms / parts]
  const right = cut(b, !transposeB, [1, 2, 0], [0, 1, 2]); // [parts, terms / parts, N]
  return sumOfProducts(build, left, right);
}

function sumOfProducts(build: OnnxBuilder, left: string, right: string): string {
  return build.apply('ReduceSum', [build.apply('MatMul', [left, right]), build.int64([0])], { keepdims: { int: 0 } });
}

/** Emits a^T b of two matrices [rows, M] and [rows, N] with an open number of rows. Zeros fill the last part. */
function openProduct(build: OnnxBuilder, a: Value, b: Value): string {
  const part = build.int64([longestSum]);
  const modulo = (x: string): string => build.apply('Mod', [x, part]);
  const rows = build.apply('Shape', [a.name], { start: { int: 0 }, end: { int: 1 } });
  const missing = modulo(build.apply('Sub', [part, modulo(rows)]));
  const padding = build.apply('Concat', [build.int64([0, 0]), missing, build.int64([0])], { axis: { int: 0 } });
  const cut = ({ name, shape }: Value): string =>
    build.apply('Reshape', [build.apply('Pad', [name, padding]), build.int64([-1, longestSum, shape[1] as number])]);
  return sumOfProducts(build, build.apply('Transpose', [cut(a)], { perm: { ints: [0, 2, 1] } }), cut(b));
}

/**
 * Emits a convolution of operands in float16. A sum of more than `longestSum` terms is cut into equal groups of input channels,
 * whose convolutions are added.
 */
export function halfConvolution(
  build: OnnxBuilder,
  [image, weight]: readonly [Operand, Operand],
  attributes: OnnxAttributes,
): string {
  const [, I = 1, h = 1, w = 1] = weight.type.shape;
  const parts = partsOf(I, h * w) ?? 1;
  const channels = (name: string, part: number): string => {
    if (parts === 1) return name;
    const [begin, end] = [(part * I) / parts, ((part + 1) * I) / parts];
    return build.apply('Slice', [name, build.int64([begin]), build.int64([end]), build.int64([1])]);
  };
  const convolutions = Array.from({ length: parts }, (_, part) =>
    build.apply('Conv', [channels(image.name, part), channels(weight.name, part)], attributes),
  );
  return convolutions.reduce((sum, convolution) => build.apply('Add', [sum, convolution]));
}
