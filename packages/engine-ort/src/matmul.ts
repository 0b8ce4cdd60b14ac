import { type AttributesOf, type Shape, sameShape, sizeOf } from '@dpar/tensor';
import type { Emitter, Operand } from './emitters/emitter.js';
import { halfProduct } from './emitters/half-product.js';
import { type ConstantNode, type GraphNode, isOperation } from './graph/node.js';
import { apply, firstOf, type Rules, reshape, type Simplification } from './graph/rule.js';
import { simplifications } from './graph/simplify.js';
import { microsoft, type OnnxBuilder } from './onnx/builder.js';

// Matrix products in ONNX Runtime: rewriting rules for its float32 kernels on the CPU, then the emitter for all devices.

/**
 * x W^T with a constant W and a moderate number of rows x, as (W x^T)^T. The kernel then reads W once and keeps the rows
 * in registers. With [3072, 768] and 16 or 32 rows it takes 0.7 times as long as x W^T with W packed before. Below 5 rows
 * it takes longer.
 */
const weightFirst: Simplification<'matmul'> = ({ tracer, inputs: [x, weight], attributes, output }) => {
  const { transposeA, transposeB, scale } = attributes;
  if (weight.kind !== 'constant' || x.kind === 'constant') return undefined;
  if (weight.type.shape.length !== 2 || !transposeB || transposeA || scale !== 1) return undefined;
  const rows = sizeOf(x.type.shape.slice(0, -1));
  if (tracer.dynamic.rowRange(rows) !== 'some') return undefined;
  const flat = reshape(tracer, x, [rows, x.type.shape.at(-1) as number]);
  const y = apply(tracer, 'matmul', [weight, flat], attributes); // [N, rows]
  return reshape(tracer, apply(tracer, 'transpose', [y], { permutation: [1, 0] }), output.shape);
};

/** Moves an elementwise operation on transposed products before the transposition, which the next product may absorb. */
function beforeTranspose<P extends 'silu' | 'mul'>(primitive: P): Simplification<P> {
  return ({ tracer, inputs, attributes }) => {
    const sources = inputs.flatMap((x) => (isOperation(x, 'transpose') && x.type.shape.length === 2 ? x.inputs : []));
    const [first] = sources;
    if (first === undefined || sources.length < inputs.length) return undefined;
    if (!sources.every((x) => sameShape(x.type.shape, first.type.shape))) return undefined;
    return apply(tracer, 'transpose', [apply(tracer, primitive, sources, attributes)], { permutation: [1, 0] });
  };
}

/** Float32 elements after which addresses fall on the same set of a first-level cache. */
const elementsOfWay = 1024;

/** Float32 elements of a cache line. */
const elementsOfLine = 16;

/** Cache lines that a set holds at the same time. */
const linesOfSet = 8;

/** Fewest multiplications for each copied element at which padding pays. */
const leastReuse = 128;

/**
 * A product of large matrices whose inner size is a multiple of 1024, with a cache line of zeros added to that size. The
 * kernel reads twelve rows of the left matrix side by side. At such distances they all fall on one set of the first-level
 * cache and evict each other. [1024, 2048] x [2048, 768] takes 0.75 of the time with the zeros, both copies included.
 */
const apartInCache: Simplification<'matmul'> = ({ tracer, inputs: [left, right], attributes }) => {
  const { transposeA, transposeB } = attributes;
  if (right.type.shape.length !== 2) return undefined;
  // The kernel packs what it transposes itself. The emitter transposes the left one of two matrices before.
  if (transposeA && left.type.shape.length !== 2) return undefined;
  const innerAxis = left.type.shape.length - (transposeA ? 2 : 1);
  const inner = left.type.shape[innerAxis] as number;
  if (inner === 0 || inner % elementsOfWay !== 0 || tracer.dynamic.isOpen(inner)) return undefined;
  const rows = sizeOf(left.type.shape) / inner;
  const columns = sizeOf(right.type.shape) / inner;
  // Constants are copied once, when the graph is loaded.
  const copied = (left.kind === 'constant' ? 0 : rows) + (right.kind === 'constant' ? 0 : columns);
  const fewRows =
    tracer.dynamic.isOpen(rows) && right.kind === 'constant'
      ? tracer.dynamic.rowRange(rows) === 'few'
      : rows <= linesOfSet;
  if (fewRows || rows * columns < leastReuse * copied) return undefined;
  const padded = [
    apply(tracer, 'pad', [left], { axis: innerAxis, before: 0, after: elementsOfLine }),
    apply(tracer, 'pad', [right], { axis: transposeB ? 1 : 0, before: 0, after: elementsOfLine }),
  ];
  return apply(tracer, 'matmul', padded, attributes);
};

/** Simplifications, and the rules for float32 kernels on the CPU. */
export const processorRules: Rules = {
  ...simplifications,
  matmul: firstOf(weightFirst, simplifications.matmul, apartInCache),
  silu: firstOf(simplifications.silu, beforeTranspose('silu')),
  mul: firstOf(simplifications.mul, beforeTranspose('mul')),
};

/** Name of a value in the ONNX graph, and its number of axes. */
interface Matrices {
  readonly name: string;
  readonly rank: number;
}

type Attributes = AttributesOf<'matmul'>;

/** Emitter of the batched matrix product. */
export const matmul: Emitter<'matmul'> = ({ build, inputs: [a, b], attributes, output, floats }) => {
  if (floats === 'float16') return halfProduct(build, [a, b], attributes, output.shape);
  const left: Matrices = { name: a.name, rank: a.type.shape.length };
  const right: Matrices = { name: b.name, rank: b.type.shape.length };
  const linear = attributes.transposeB && !attributes.transposeA;
  if (build.weights !== 'float32' && !build.portable && linear && isWeight(b)) {
    return quantizedProduct(build, a, b.node, attributes, output.shape);
  }
  if (attributes.transposeA && !attributes.transposeB && output.shape.length === 2) {
    return gradientProduct(build, left, right, attributes, output.shape);
  }
  // With a single matrix on the right, the rows of all batches on the left are one product. Kernels detect that in rank 2.
  const single = right.rank > 2 && right.rank <= left.rank && sizeOf(b.type.shape.slice(0, -2)) === 1;
  const matrix: Matrices = single ? { name: build.reshape(b.name, b.type.shape.slice(-2)), rank: 2 } : right;
  return product(build, left, matrix, attributes);
};

/** True for a constant matrix of float32. */
function isWeight({ node }: Operand): boolean {
  return node.kind === 'constant' && node.type.dtype === 'float32' && node.type.shape.length === 2;
}

/** Accuracy level of MatMulNBits: activations of 8 bits, with a scale for each block. */
const activationsOf8Bits = 4;

/** Emits x W^T with a constant W [N, K] stored in 8 or 4 bits. */
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
 * Emits a product with an even number of rows: a row of zeros is added if the number is odd. ONNX Runtime's kernel for
 * weights of 8 bits takes two rows at a time and sums a single last row in another order. The next product rounds to 8
 * bits and amplifies the difference, so the last sequence of a batch would differ from the others.
 * @param shape Shape of the product.
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
 * Emits a^T b of two matrices, the form of gradients by weights. ONNX Runtime's kernel would transpose a again for each
 * 128 columns of the result, so a is transposed before. That saves 1 % of a training step.
 *
 * The kernel also walks all rows of the result for each 128 of the inner axis. A result with many more rows than columns
 * (the gradient of the output layer) outgrows the cache, so it is computed as (b^T a)^T. For [1024, 16384]^T [1024, 768]
 * that takes 0.36 s of one core in place of 0.49 s. At 4096 rows the gain is 5 %, below there is none.
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
  if (!build.portable && !build.webgpu) {
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

/** Transposes the last two axes. */
function transposed(build: OnnxBuilder, { name, rank }: Matrices): Matrices {
  const permutation = Array.from({ length: rank }, (_, axis) => axis);
  permutation.splice(-2, 2, rank - 1, rank - 2);
  return { name: build.apply('Transpose', [name], { perm: { ints: permutation } }), rank };
}
