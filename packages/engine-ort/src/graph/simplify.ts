import { broadcastShapes, type Primitive, sameShape, sizeOf } from '@dpar/tensor';
import { type GraphNode, isOperation, knownScalar } from './node.js';
import { type Application, apply, firstOf, type Rules, reshape, type Simplification } from './rule.js';

/** Source of a broadcast; other nodes as they are. */
function source(node: GraphNode): GraphNode {
  return isOperation(node, 'broadcast') ? source(node.inputs[0]) : node;
}

/** Changes the layout of a broadcast number by broadcasting it to another shape. */
function uniform({
  tracer,
  inputs: [x],
  output,
}: Application<'reshape' | 'transpose' | 'slice'>): GraphNode | undefined {
  if (!isOperation(x, 'broadcast')) return undefined;
  const value = source(x);
  if (sizeOf(value.type.shape) !== 1) return undefined;
  return apply(tracer, 'broadcast', [reshape(tracer, value, [])], { shape: output.shape });
}

/** Reads broadcast inputs before their broadcast: elementwise operators of ONNX broadcast by the same rule. */
function beforeBroadcast<P extends Primitive>(primitive: P): Simplification<P> {
  return ({ tracer, inputs, attributes, output }) => {
    if (!inputs.some((input) => isOperation(input, 'broadcast'))) return undefined;
    const result = apply(tracer, primitive, inputs.map(source), attributes);
    return sameShape(result.type.shape, output.shape)
      ? result
      : apply(tracer, 'broadcast', [result], { shape: output.shape });
  };
}

/** Returns the other operand if the one at a given place is the neutral number. */
function neutral(number: number, places: readonly (0 | 1)[]): Simplification<'add' | 'sub' | 'mul' | 'div'> {
  return ({ inputs: [a, b], output }) => {
    const place = places.find((index) => knownScalar(index === 0 ? a : b) === number);
    if (place === undefined) return undefined;
    const other = place === 0 ? b : a;
    return sameShape(other.type.shape, output.shape) ? other : undefined;
  };
}

/** Returns the input if it already has the output's shape: nothing to broadcast, slice, pad or reduce. */
const ofSameShape: Simplification<'reshape' | 'broadcast' | 'slice' | 'pad' | 'sum' | 'mean' | 'max'> = ({
  inputs: [x],
  output,
}) => (sameShape(x.type.shape, output.shape) ? x : undefined);

/** True for a transposition of the last two axes only. */
function swapsLastTwo(permutation: readonly number[]): boolean {
  const rank = permutation.length;
  return (
    rank >= 2 && permutation.every((axis, i) => axis === (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i))
  );
}

/** Absorbs transpositions of the operands, and broadcasts of their batch axes. */
const matmul: Simplification<'matmul'> = ({ tracer, inputs: [a, b], attributes, output }) => {
  if (isOperation(a, 'transpose') && swapsLastTwo(a.attributes.permutation)) {
    const flipped = { ...attributes, transposeA: !attributes.transposeA };
    return apply(tracer, 'matmul', [a.inputs[0], b], flipped);
  }
  if (isOperation(b, 'transpose') && swapsLastTwo(b.attributes.permutation)) {
    const flipped = { ...attributes, transposeB: !attributes.transposeB };
    return apply(tracer, 'matmul', [a, b.inputs[0]], flipped);
  }
  // Products broadcast batch axes themselves, as long as the other operand has them.
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

/** Rules that make a graph cheaper on every device. Primitives without a rule stay as they are. */
export const simplifications = {
  neg: firstOf<'neg'>(({ inputs: [x] }) => (isOperation(x, 'neg') ? x.inputs[0] : undefined), beforeBroadcast('neg')),
  abs: beforeBroadcast('abs'),
  exp: beforeBroadcast('exp'),
  log: beforeBroadcast('log'),
  sqrt: beforeBroadcast('sqrt'),
  reciprocal: beforeBroadcast('reciprocal'),
  sin: beforeBroadcast('sin'),
  cos: beforeBroadcast('cos'),
  tanh: beforeBroadcast('tanh'),
  erf: beforeBroadcast('erf'),
  sigmoid: beforeBroadcast('sigmoid'),
  silu: beforeBroadcast('silu'),
  not: beforeBroadcast('not'),
  cast: firstOf<'cast'>(
    ({ inputs: [x], attributes }) => (x.type.dtype === attributes.dtype ? x : undefined),
    beforeBroadcast('cast'),
  ),
  add: firstOf<'add'>(
    neutral(0, [0, 1]),
    ({ tracer, inputs: [a, b] }) => (isOperation(b, 'neg') ? apply(tracer, 'sub', [a, b.inputs[0]], {}) : undefined),
    ({ tracer, inputs: [a, b] }) => (isOperation(a, 'neg') ? apply(tracer, 'sub', [b, a.inputs[0]], {}) : undefined),
    beforeBroadcast('add'),
  ),
  sub: firstOf<'sub'>(
    neutral(0, [1]),
    ({ tracer, inputs: [a, b] }) => (isOperation(b, 'neg') ? apply(tracer, 'add', [a, b.inputs[0]], {}) : undefined),
    beforeBroadcast('sub'),
  ),
  mul: firstOf<'mul'>(neutral(1, [0, 1]), beforeBroadcast('mul')),
  div: firstOf<'div'>(neutral(1, [1]), beforeBroadcast('div')),
  maximum: beforeBroadcast('maximum'),
  minimum: beforeBroadcast('minimum'),
  equal: beforeBroadcast('equal'),
  less: beforeBroadcast('less'),
  lessEqual: beforeBroadcast('lessEqual'),
  and: beforeBroadcast('and'),
  or: beforeBroadcast('or'),
  select: beforeBroadcast('select'),

  reshape: firstOf<'reshape'>(uniform, ofSameShape, ({ tracer, inputs: [x], attributes: { shape } }) => {
    if (isOperation(x, 'reshape')) return reshape(tracer, x.inputs[0], shape);
    return x.kind === 'constant' ? tracer.constant({ ...x.value, shape }, x.name) : undefined;
  }),
  transpose: firstOf<'transpose'>(uniform, ({ tracer, inputs: [x], attributes: { permutation }, output }) => {
    if (isOperation(x, 'transpose')) {
      const first = x.attributes.permutation;
      const both = permutation.map((axis) => first[axis] ?? 0);
      return apply(tracer, 'transpose', [x.inputs[0]], { permutation: both });
    }
    // Axes of size 1 may move freely: the order of the data stays.
    const moved = permutation.filter((axis) => x.type.shape[axis] !== 1);
    const inOrder = moved.every((axis, i) => i === 0 || axis > (moved[i - 1] ?? 0));
    return inOrder ? reshape(tracer, x, output.shape) : undefined;
  }),
  broadcast: firstOf<'broadcast'>(ofSameShape, ({ tracer, inputs: [x], attributes: { shape } }) => {
    if (sizeOf(x.type.shape) === sizeOf(shape)) return reshape(tracer, x, shape);
    return isOperation(x, 'broadcast') ? apply(tracer, 'broadcast', [source(x)], { shape }) : undefined;
  }),
  concat: ({ inputs, output }) => {
    const filled = inputs.filter((input) => sizeOf(input.type.shape) > 0);
    const [x] = filled;
    return filled.length === 1 && x && sameShape(x.type.shape, output.shape) ? x : undefined;
  },
  slice: firstOf<'slice'>(uniform, ofSameShape, ({ tracer, inputs: [x], attributes: { axis, start, size } }) => {
    if (isOperation(x, 'slice') && x.attributes.axis === axis) {
      return apply(tracer, 'slice', [x.inputs[0]], { axis, start: start + x.attributes.start, size });
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
  pad: ofSameShape,
  sum: firstOf<'sum'>(ofSameShape, ({ tracer, inputs: [x], attributes: { axes }, output }) => {
    // Each last axis of a scatter holds one value.
    const overLast = axes.length === 1 && axes[0] === x.type.shape.length - 1;
    return overLast && isOperation(x, 'scatterLast') ? reshape(tracer, x.inputs[0], output.shape) : undefined;
  }),
  mean: ofSameShape,
  max: ofSameShape,
  matmul,
  resizeNearest: ({ inputs: [x], attributes: { factor } }) => (factor === 1 ? x : undefined),
} satisfies Rules;
