import { type AttributesOf, type Shape, sizeOf } from '@dpar/tensor';
import type { ConstantNode, GraphNode } from '../graph/node.js';
import { microsoft, type OnnxBuilder } from '../onnx/builder.js';
import { type Emitter, inputOf, type Operand } from './emitter.js';

/** A value and its number of axes. */
interface Matrices {
  readonly name: string;
  readonly rank: number;
}

type Attributes = AttributesOf<'matmul'>;

/** Emitter of the batched matrix product. */
export const matmul: Emitter<'matmul'> = ({ build, inputs, attributes, output }) => {
  const [a, b] = [inputOf(inputs, 0), inputOf(inputs, 1)];
  const [left, right]: Matrices[] = [
    { name: a.name, rank: a.type.shape.length },
    { name: b.name, rank: b.type.shape.length },
  ] as const;
  if (
    build.weights !== 'float32' &&
    isWeight(b) &&
    attributes.transposeB &&
    !attributes.transposeA &&
    !build.portable
  ) {
    return quantizedProduct(build, a, b.node, attributes, output.shape);
  }
  if (attributes.transposeA && !attributes.transposeB && output.shape.length === 2) {
    return gradientProduct(build, left, right, attributes, output.shape);
  }
  // With a single matrix on the right, the rows of all batches on the left are one product. Kernels see that in rank 2.
  const single = right.rank > 2 && right.rank <= left.rank && sizeOf(b.type.shape.slice(0, -2)) === 1;
  const matrix: Matrices = single ? { name: build.reshape(b.name, b.type.shape.slice(-2)), rank: 2 } : right;
  return product(build, left, matrix, attributes);
};

/** Whether an operand is a matrix that is known while tracing. */
function isWeight({ node }: Operand): boolean {
  return node.kind === 'constant' && node.type.dtype === 'float32' && node.type.shape.length === 2;
}

/** Products with quantised weights take activations of 8 bits, with a scale for each block of weights. */
const activationsOf8Bits = 4;

/** x W^T with a constant W [N, K] stored in 8 or 4 bits. */
function quantizedProduct(
  build: OnnxBuilder,
  x: Operand,
  weight: GraphNode,
  { scale }: Attributes,
  shape: Shape,
): string {
  const { value, name } = weight as ConstantNode;
  const [codes, scales, { rows, columns, bits, blockSize }] = build.quantized(value, name);
  const attributes = {
    K: { int: columns },
    N: { int: rows },
    bits: { int: bits },
    block_size: { int: blockSize },
    accuracy_level: { int: activationsOf8Bits },
  };
  const product = (rows: string): string => build.apply('MatMulNBits', [rows, codes, scales], attributes, microsoft);
  const y = build.evenRows && bits === 8 ? withEvenRows(build, x, shape, product) : product(x.name);
  return scale === 1 ? y : build.apply('Mul', [y, build.float(scale)]);
}

/**
 * A product of rows in an even number, by a row of zeros where there is one too few. ONNX Runtime's kernel for weights of 8 bits
 * takes two rows at a time. It sums one that is left over in another order, and the next product, which rounds to 8 bits, makes
 * much of that: the last sequence of a batch would be computed otherwise than the others.
 * @param shape Of the product.
 */
function withEvenRows(build: OnnxBuilder, x: Operand, shape: Shape, product: (rows: string) => string): string {
  const from = x.type.shape;
  const [rows, columns] = [sizeOf(from.slice(0, -1)), from.at(-1) ?? 0];
  const open = build.dynamic.isOpen(rows);
  if (!open && rows % 2 === 0) return product(x.name);
  const flat = from.length === 2 ? x.name : build.reshape(x.name, [rows, columns], from);
  const count = build.int64([rows]);
  const odd = open ? build.apply('Mod', [count, build.int64([2])]) : build.int64([1]);
  const added = build.apply('Concat', [build.int64([0, 0]), odd, build.int64([0])], { axis: { int: 0 } });
  const y = product(build.apply('Pad', [flat, added]));
  const own = build.apply('Slice', [y, build.int64([0]), count, build.int64([0])]);
  return shape.length === 2 ? own : build.reshape(own, shape, from);
}

/**
 * a^T b of two matrices, as gradients by weights are. ONNX Runtime's kernel would transpose a anew for each 128 columns
 * of the result, so it is done before: 1 % of a whole training step.
 *
 * The kernel also goes through all rows of the result for each 128 of the inner axis. A result with many more rows than
 * columns (gradients of the output layer and its like) outgrows the cache and is fetched again and again; as (b^T a)^T
 * it is not. Measured for [1024, 16384]^T [1024, 768]: 0.49 s against 0.36 s of one core, transposes included. At 4096
 * rows the gain is 5 %, below there is none.
 */
function gradientProduct(
  build: OnnxBuilder,
  a: Matrices,
  b: Matrices,
  attributes: Attributes,
  [rows = 0, columns = 0]: Shape,
): string {
  const plain = { ...attributes, transposeA: false };
  if (rows < 4096 || rows < 2 * columns) return product(build, transposed(build, a), b, plain);
  return transposed(build, { name: product(build, transposed(build, b), a, plain), rank: 2 }).name;
}

function product(build: OnnxBuilder, a: Matrices, b: Matrices, { transposeA, transposeB, scale }: Attributes): string {
  if (!transposeA && !transposeB && scale === 1) return build.apply('MatMul', [a.name, b.name]);
  if (!build.portable) {
    const attributes = {
      transA: { int: Number(transposeA) },
      transB: { int: Number(transposeB) },
      alpha: { float: scale },
    };
    return build.apply('FusedMatMul', [a.name, b.name], attributes, microsoft);
  }
  const unscaled = build.apply('MatMul', [
    transposeA ? transposed(build, a).name : a.name,
    transposeB ? transposed(build, b).name : b.name,
  ]);
  return scale === 1 ? unscaled : build.apply('Mul', [unscaled, build.float(scale)]);
}

/** The last two axes exchanged. */
function transposed(build: OnnxBuilder, { name, rank }: Matrices): Matrices {
  const permutation = Array.from({ length: rank }, (_, axis) => axis);
  permutation.splice(-2, 2, rank - 1, rank - 2);
  return { name: build.apply('Transpose', [name], { perm: { ints: permutation } }), rank };
}
