import { type AttributesOf, broadcastShapes, type Primitive, sameShape, sizeOf, type TensorType } from '@dpar/tensor';
import { type GraphNode, isOperation, knownScalar } from './node.js';
import { apartInCache, beforeTranspose, weightFirst } from './processor-kernels.js';
import {
  type Application,
  apply,
  firstOf,
  inputOf,
  type NodeMaker,
  reshape,
  type Simplification,
} from './simplification.js';

/** What a node is a broadcast of, or the node itself. */
function source(node: GraphNode): GraphNode {
  return isOperation(node, 'broadcast') ? source(inputOf(node.inputs, 0)) : node;
}

/** Layout changes of one broadcast number are that number, broadcast to another shape. */
function uniform({ tracer, inputs, output }: Omit<Application<Primitive>, 'attributes'>): GraphNode | undefined {
  const [x] = inputs;
  if (x === undefined || !isOperation(x, 'broadcast')) return undefined;
  const value = source(x);
  if (sizeOf(value.type.shape) !== 1) return undefined;
  return apply(tracer, 'broadcast', [reshape(tracer, value, [])], { shape: output.shape });
}

/** Elementwise operations read what was broadcast as it was before; ONNX broadcasts by itself, by the same rule. */
function beforeBroadcast<P extends Primitive>(primitive: P): Simplification<P> {
  return ({ tracer, inputs, attributes, output }) => {
    if (!inputs.some((input) => isOperation(input, 'broadcast'))) return undefined;
    const result = apply(tracer, primitive, inputs.map(source), attributes);
    return sameShape(result.type.shape, output.shape)
      ? result
      : apply(tracer, 'broadcast', [result], { shape: output.shape });
  };
}

/** The operand that is left if another is the neutral number. */
function neutral<P extends Primitive>(number: number, places: readonly number[]): Simplification<P> {
  return ({ inputs, output }) => {
    const place = places.find((index) => knownScalar(inputOf(inputs, index)) === number);
    const other = place === undefined ? undefined : inputOf(inputs, 1 - place);
    return other && sameShape(other.type.shape, output.shape) ? other : undefined;
  };
}

/** Nothing to reduce: no axes, or axes of size 1. */
const trivialReduction: Simplification<'sum' | 'mean' | 'max'> = ({ inputs, output }) => {
  const x = inputOf(inputs, 0);
  return sameShape(x.type.shape, output.shape) ? x : undefined;
};

/** A transposition of the last two axes only. */
function swapsLastTwo(permutation: readonly number[]): boolean {
  const rank = permutation.length;
  return (
    rank >= 2 && permutation.every((axis, i) => axis === (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i))
  );
}

const matmul: Simplification<'matmul'> = ({ tracer, inputs, attributes, output }) => {
  const [a, b] = [inputOf(inputs, 0), inputOf(inputs, 1)];
  if (isOperation(a, 'transpose') && swapsLastTwo(a.attributes.permutation)) {
    const flipped = { ...attributes, transposeA: !attributes.transposeA };
    return apply(tracer, 'matmul', [inputOf(a.inputs, 0), b], flipped);
  }
  if (isOperation(b, 'transpose') && swapsLastTwo(b.attributes.permutation)) {
    const flipped = { ...attributes, transposeB: !attributes.transposeB };
    return apply(tracer, 'matmul', [a, inputOf(b.inputs, 0)], flipped);
  }
  // Products broadcast batch axes by themselves, as long as the other operand has them.
  const [x, y] = [withoutBatchBroadcast(a), withoutBatchBroadcast(b)];
  const alternatives: [GraphNode, GraphNode][] = [
    [x, y],
    [x, b],
    [a, y],
  ];
  for (const pair of alternatives) {
    if (pair[0] === a && pair[1] === b) continue;
    const batch = broadcastShapes(pair[0].type.shape.slice(0, -2), pair[1].type.shape.slice(0, -2));
    if (batch && sameShape(batch, output.shape.slice(0, -2))) return apply(tracer, 'matmul', pair, attributes);
  }
  return undefined;
};

function withoutBatchBroadcast(node: GraphNode): GraphNode {
  const from = source(node);
  return sameShape(from.type.shape.slice(-2), node.type.shape.slice(-2)) && from.type.shape.length >= 2 ? from : node;
}

/** The rules that there are; other primitives are taken as they come. */
const rules: { readonly [P in Primitive]?: Simplification<P> } = {
  neg: firstOf(
    ({ inputs: [x] }) => (x && isOperation(x, 'neg') ? inputOf(x.inputs, 0) : undefined),
    beforeBroadcast('neg'),
  ),
  abs: beforeBroadcast('abs'),
  exp: beforeBroadcast('exp'),
  log: beforeBroadcast('log'),
  sqrt: beforeBroadcast('sqrt'),
  reciprocal: beforeBroadcast('reciprocal'),
  sin: beforeBroadcast('sin'),
  cos: beforeBroadcast('cos'),
  tanh: beforeBroadcast('tanh'),
  sigmoid: beforeBroadcast('sigmoid'),
  silu: beforeBroadcast('silu'),
  not: beforeBroadcast('not'),
  cast: firstOf(
    ({ inputs: [x], attributes }) => (x?.type.dtype === attributes.dtype ? x : undefined),
    beforeBroadcast('cast'),
  ),
  add: firstOf(
    neutral(0, [0, 1]),
    ({ tracer, inputs: [a, b] }) =>
      a && b && isOperation(b, 'neg') ? apply(tracer, 'sub', [a, inputOf(b.inputs, 0)], {}) : undefined,
    ({ tracer, inputs: [a, b] }) =>
      a && b && isOperation(a, 'neg') ? apply(tracer, 'sub', [b, inputOf(a.inputs, 0)], {}) : undefined,
    beforeBroadcast('add'),
  ),
  sub: firstOf(
    neutral(0, [1]),
    ({ tracer, inputs: [a, b] }) =>
      a && b && isOperation(b, 'neg') ? apply(tracer, 'add', [a, inputOf(b.inputs, 0)], {}) : undefined,
    beforeBroadcast('sub'),
  ),
  mul: firstOf(neutral(1, [0, 1]), beforeBroadcast('mul')),
  div: firstOf(neutral(1, [1]), beforeBroadcast('div')),
  maximum: beforeBroadcast('maximum'),
  minimum: beforeBroadcast('minimum'),
  equal: beforeBroadcast('equal'),
  less: beforeBroadcast('less'),
  lessEqual: beforeBroadcast('lessEqual'),
  and: beforeBroadcast('and'),
  or: beforeBroadcast('or'),
  select: beforeBroadcast('select'),

  reshape: firstOf<'reshape'>(uniform, ({ tracer, inputs, attributes: { shape } }) => {
    const x = inputOf(inputs, 0);
    if (sameShape(x.type.shape, shape)) return x;
    if (isOperation(x, 'reshape')) return reshape(tracer, inputOf(x.inputs, 0), shape);
    return x.kind === 'constant' ? tracer.constant({ ...x.value, shape }, x.name) : undefined;
  }),
  transpose: firstOf<'transpose'>(uniform, ({ tracer, inputs, attributes: { permutation }, output }) => {
    const x = inputOf(inputs, 0);
    if (isOperation(x, 'transpose')) {
      const first = x.attributes.permutation;
      const both = permutation.map((axis) => first[axis] ?? 0);
      return apply(tracer, 'transpose', [inputOf(x.inputs, 0)], { permutation: both });
    }
    // Axes of size 1 may move freely: the order of the data stays.
    const moved = permutation.filter((axis) => x.type.shape[axis] !== 1);
    const inOrder = moved.every((axis, i) => i === 0 || axis > (moved[i - 1] ?? 0));
    return inOrder ? reshape(tracer, x, output.shape) : undefined;
  }),
  broadcast: ({ tracer, inputs, attributes: { shape } }) => {
    const x = inputOf(inputs, 0);
    if (sameShape(x.type.shape, shape)) return x;
    if (sizeOf(x.type.shape) === sizeOf(shape)) return reshape(tracer, x, shape);
    return isOperation(x, 'broadcast') ? apply(tracer, 'broadcast', [source(x)], { shape }) : undefined;
  },
  concat: ({ inputs, output }) => {
    const filled = inputs.filter((input) => sizeOf(input.type.shape) > 0);
    const [x] = filled;
    return filled.length === 1 && x && sameShape(x.type.shape, output.shape) ? x : undefined;
  },
  slice: firstOf<'slice'>(uniform, ({ tracer, inputs, attributes: { axis, start, size }, output }) => {
    const x = inputOf(inputs, 0);
    if (sameShape(x.type.shape, output.shape)) return x;
    if (isOperation(x, 'slice') && x.attributes.axis === axis) {
      return apply(tracer, 'slice', [inputOf(x.inputs, 0)], { axis, start: start + x.attributes.start, size });
    }
    if (!isOperation(x, 'concat') || x.attributes.axis !== axis) return undefined;
    // A slice within one part of a concatenation.
    let end = 0;
    for (const part of x.inputs) {
      const begin = end;
      end += part.type.shape[axis] ?? 0;
      if (start >= begin && start + size <= end) {
        return apply(tracer, 'slice', [part], { axis, start: start - begin, size });
      }
    }
    return undefined;
  }),
  pad: ({ inputs, output }) => {
    const x = inputOf(inputs, 0);
    return sameShape(x.type.shape, output.shape) ? x : undefined;
  },
  sum: firstOf<'sum'>(trivialReduction, ({ tracer, inputs, attributes: { axes }, output }) => {
    const x = inputOf(inputs, 0);
    // Each last axis of a scatter holds one value.
    const overLast = axes.length === 1 && axes[0] === x.type.shape.length - 1;
    if (!overLast || !isOperation(x, 'scatterLast')) return undefined;
    return reshape(tracer, inputOf(x.inputs, 0), output.shape);
  }),
  mean: trivialReduction,
  max: trivialReduction,
  matmul: firstOf(weightFirst, matmul, apartInCache),
  resizeNearest: ({ inputs, attributes: { factor } }) => (factor === 1 ? inputs[0] : undefined),
};

/** An equal node that needs less than the application, or `undefined` if none is known. */
export function simplify<P extends Primitive>(
  tracer: NodeMaker,
  primitive: P,
  inputs: readonly GraphNode[],
  attributes: AttributesOf<P>,
  output: TensorType,
): GraphNode | undefined {
  const rule: Simplification<P> | undefined = rules[primitive];
  const application = { tracer, inputs, attributes, output };
  return rule?.(application) ?? beforeTranspose(application, primitive);
}
