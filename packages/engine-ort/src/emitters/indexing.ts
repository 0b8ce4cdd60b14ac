import { type Primitive, sameShape, sizeOf } from '@dpar/tensor';
import { isOperation } from '../graph/node.js';
import { type Emission, type Emitters, inputOf, names, type Operand } from './emitter.js';

type Indexing = 'takeRows' | 'scatterAddRows' | 'takeRowsOnce' | 'takeLast' | 'scatterLast';

type Context = Pick<Emission<Primitive>, 'build' | 'operand'>;

/** Zeros to scatter into. */
function zeros({ build }: Context, shape: readonly number[]): string {
  return build.apply('Expand', [build.float(0), build.int64(shape)]);
}

// ScatterElements goes through its updates one after the other, so sums at equal indices are right, and the same to the
// bit whatever the number of threads. ScatterND shares them out to threads that then add to one row at the same time:
// with 20,000 updates of 2 rows of 768, 43 of 50 runs were wrong (onnxruntime 1.30, two threads). It would take 38 instead
// of 53 ms of one core for [1024, 768] into [16384, 768], most of both for the zeros.

/** Adds values [...indices, ...] to the rows of `data` [rows, ...] at the indices. */
function addRows({ build }: Context, data: string, values: Operand, indices: Operand): string {
  const rank = indices.type.shape.length;
  const row = values.type.shape.slice(rank);
  const count = indices.type.shape.reduce((product, size) => product * size, 1);
  const index = build.apply('Expand', [
    build.reshape(indices.name, [count, ...row.map(() => 1)]),
    build.int64([count, ...row]),
  ]);
  const updates = build.reshape(values.name, [count, ...row]);
  return build.apply('ScatterElements', [data, index, updates], { axis: { int: 0 }, reduction: { string: 'add' } });
}

/** Adds each of values [...] to the last axis of `data` [..., size] at its index. */
function addLast({ build }: Context, data: string, values: Operand, indices: Operand): string {
  const shape = [...values.type.shape, 1];
  return build.apply('ScatterElements', [data, build.reshape(indices.name, shape), build.reshape(values.name, shape)], {
    axis: { int: -1 },
    reduction: { string: 'add' },
  });
}

/** `other + scattered` without zeros to scatter into, if `scattered` is a scatter and `other` of its shape. */
export function addToScattered(context: Context, scattered: Operand, other: Operand): string | undefined {
  return scatterInto(context, scattered, other, () => other.name);
}

/** `scattered - other` without zeros to scatter into, as in the gradient of a cross-entropy. */
export function subtractFromScattered(emission: Emission<'sub'>): string | undefined {
  const [scattered, other] = [inputOf(emission.inputs, 0), inputOf(emission.inputs, 1)];
  return scatterInto(emission, scattered, other, () => negated(emission, other));
}

function scatterInto(context: Context, scattered: Operand, other: Operand, data: () => string): string | undefined {
  const { node } = scattered;
  if (!sameShape(other.type.shape, scattered.type.shape)) return undefined;
  if (!isOperation(node, 'scatterAddRows') && !isOperation(node, 'scatterLast')) return undefined;
  const [values, indices] = node.inputs.map(context.operand) as [Operand, Operand];
  const add = node.primitive === 'scatterLast' ? addLast : addRows;
  return add(context, data(), values, indices);
}

/** -x, by negating the smaller factor if x is a product. */
function negated({ build, operand }: Context, x: Operand): string {
  if (!isOperation(x.node, 'mul')) return build.apply('Neg', [x.name]);
  const [a, b] = x.node.inputs.map(operand) as [Operand, Operand];
  const [smaller, larger] = sizeOf(a.type.shape) < sizeOf(b.type.shape) ? [a, b] : [b, a];
  return build.apply('Mul', [larger.name, build.apply('Neg', [smaller.name])]);
}

/** Emitters of primitives that read or write at indices. */
export const indexingEmitters: Emitters<Indexing> = {
  takeRows: ({ build, inputs }) => build.apply('Gather', names(inputs), { axis: { int: 0 } }),
  scatterAddRows: (emission) =>
    addRows(emission, zeros(emission, emission.output.shape), inputOf(emission.inputs, 0), inputOf(emission.inputs, 1)),
  takeRowsOnce: ({ build, inputs }) => {
    const [x, indices] = [inputOf(inputs, 0), inputOf(inputs, 1)];
    const { node } = indices;
    if (node.kind === 'constant' && node.value.data.every((index) => index >= 0)) {
      return build.apply('Gather', [x.name, indices.name], { axis: { int: 0 } });
    }
    // Index -1 counts from the end, as Gather does: there stands a row of zeros.
    const row = [1, ...x.type.shape.slice(1)];
    const zero = build.initializer({
      dtype: 'float32',
      shape: row,
      data: new Float32Array(row.reduce((product, size) => product * size, 1)),
    });
    const padded = build.apply('Concat', [x.name, zero], { axis: { int: 0 } });
    return build.apply('Gather', [padded, indices.name], { axis: { int: 0 } });
  },
  takeLast: ({ build, inputs, output }) => {
    const [x, indices] = [inputOf(inputs, 0), inputOf(inputs, 1)];
    const index = build.reshape(indices.name, [...indices.type.shape, 1]);
    return build.reshape(build.apply('GatherElements', [x.name, index], { axis: { int: -1 } }), output.shape);
  },
  scatterLast: (emission) =>
    addLast(emission, zeros(emission, emission.output.shape), inputOf(emission.inputs, 0), inputOf(emission.inputs, 1)),
};
