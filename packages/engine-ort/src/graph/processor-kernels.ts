import { type Primitive, sameShape, sizeOf } from '@dpar/tensor';
import { type GraphNode, isOperation } from './node.js';
import { type Application, apply, inputOf, reshape, type Simplification } from './simplification.js';

// Rules for what ONNX Runtime's float32 kernels for processors are quick with: those of `Tracer.forProcessor`.

/**
 * x W^T of some rows x with a constant W as (W x^T)^T. The kernel goes through W once then, and keeps the rows in
 * registers: with 16 rows by [3072, 768] it takes 0.67, with 32 rows 0.7 times as long as x W^T with W packed before;
 * below 5 rows it takes longer.
 */
export const weightFirst: Simplification<'matmul'> = ({ tracer, inputs, attributes, output }) => {
  const [x, weight] = [inputOf(inputs, 0), inputOf(inputs, 1)];
  const { transposeA, transposeB, scale } = attributes;
  if (!tracer.forProcessor || weight.kind !== 'constant' || x.kind === 'constant') return undefined;
  if (weight.type.shape.length !== 2 || !transposeB || transposeA || scale !== 1) return undefined;
  const rows = sizeOf(x.type.shape.slice(0, -1));
  if (tracer.dynamic.rowRange(rows) !== 'some') return undefined;
  const flat = reshape(tracer, x, [rows, x.type.shape.at(-1) as number]);
  const y = apply(tracer, 'matmul', [weight, flat], attributes); // [N, rows]
  return reshape(tracer, apply(tracer, 'transpose', [y], { permutation: [1, 0] }), output.shape);
};

/** Elementwise operations on transposed products are done before they are transposed, so that it may not be needed. */
export function beforeTranspose(
  { tracer, inputs, attributes }: Application<Primitive>,
  primitive: Primitive,
): GraphNode | undefined {
  if (!tracer.forProcessor || !['silu', 'mul'].includes(primitive)) return undefined;
  const sources = inputs.flatMap((x) =>
    isOperation(x, 'transpose') && x.type.shape.length === 2 ? [inputOf(x.inputs, 0)] : [],
  );
  if (sources.length < inputs.length || !sources.every((x) => sameShape(x.type.shape, sources[0]?.type.shape ?? []))) {
    return undefined;
  }
  return apply(tracer, 'transpose', [apply(tracer, primitive, sources, attributes)], { permutation: [1, 0] });
}

/** Elements of float32 after which an address falls on the same set of a first-level cache, and those of a line of it. */
const elementsOfWay = 1024;
const elementsOfLine = 16;

/** Rows that a set holds at the same time. */
const linesOfSet = 8;

/** Products of fewer multiplications for each element that is copied are as quick as they are. */
const leastReuse = 128;

/**
 * A product of large matrices whose inner size is a multiple of 1024, with a cache line of zeros more in it. The kernel
 * reads twelve rows of the left matrix side by side, where they are; at such distances all of them fall on one set of the
 * first-level cache and drive each other out. [1024, 2048] x [2048, 768] takes 0.75 of the time with the zeros, copies of
 * both matrices included.
 */
export const apartInCache: Simplification<'matmul'> = ({ tracer, inputs, attributes }) => {
  const [left, right] = [inputOf(inputs, 0), inputOf(inputs, 1)];
  const { transposeA, transposeB } = attributes;
  if (!tracer.forProcessor || right.type.shape.length !== 2) return undefined;
  // What is transposed by the kernel is packed by it; of two matrices, the left one is transposed before.
  if (transposeA && left.type.shape.length !== 2) return undefined;
  const innerAxis = left.type.shape.length - (transposeA ? 2 : 1);
  const inner = left.type.shape[innerAxis] as number;
  if (inner === 0 || inner % elementsOfWay !== 0 || tracer.dynamic.isOpen(inner)) return undefined;
  const rows = sizeOf(left.type.shape) / inner;
  const columns = sizeOf(right.type.shape) / inner;
  // Constants are copied when the graph is loaded.
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
