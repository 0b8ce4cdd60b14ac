import { type Primitive, sameShape, sizeOf } from '@dpar/tensor';
import { isOperation } from '../graph/node.js';
import { type Emission, type Emitters, names, type Operand } from './emitter.js';

type Indexing = 'takeRows' | 'scatterAddRows' | 'takeRowsOnce' | 'takeLast' | 'scatterLast';

type Context = Pick<Emission<Primitive>, 'build' | 'operand'>;

/** Emits zeros to scatter into. */
function zeros({ build }: Context, shape: readonly number[]): string {
  return build.apply('Expand', [build.float(0), build.int64(shape)]);
}

// ScatterElements takes its updates in order, so sums at equal indices have the same bits for any number of threads.
// ScatterND is faster, but its threads add to one row at the same time: with 20,000 updates of 2 rows, 43 of 50 runs were
// wrong (onnxruntime 1.30, two threads). [1024, 768] into [16384, 768] takes 53 ms of one core in place of 38 ms.

/** Limit on the elements of the matrix that picks the rows of a sum on WebGPU: 64 MiB. */
const mostPicked = 2 ** 24;

/**
 * Emits the same for WebGPU, where the threads of ScatterElements add to one element in any order (3 of 30 runs with other bits): the
 * product with a matrix [rows, count] that is 1 where a row takes a value, in parts of the values.
 */
function addRowsInOrder({ build }: Context, data: string, values: Operand, indices: Operand, rows: number): string {
  const row = values.type.shape.slice(indices.type.shape.length);
  const count = sizeOf(indices.type.shape);
  const width = sizeOf(row);
  const flat = build.reshape(values.name, [count, width]);
  const places = build.reshape(indices.name, [1, count]);
  const number = build.reshape(build.range(rows), [rows, 1]);
  const isOpen = build.dynamic.isOpen(count) || build.dynamic.isOpen(rows);
  const part = isOpen ? count : Math.min(count, Math.max(1, Math.floor(mostPicked / rows)));
  let sum = build.reshape(data, [rows, width]);
  for (let start = 0; start < count; start += part) {
    const size = Math.min(part, count - start);
    const isWhole = size === count;
    const at = isWhole ? places : build.apply('Gather', [places, build.range(size, start)], { axis: { int: 1 } });
    const cut = [build.int64([start]), build.int64([start + size]), build.int64([0])];
    const added = isWhole ? flat : build.apply('Slice', [flat, ...cut]);
    const picks = build.apply('Cast', [build.apply('Equal', [number, at])], { to: { int: 1 } });
    sum = build.apply('Add', [sum, build.apply('MatMul', [picks, added])]);
  }
  return build.reshape(sum, [rows, ...row]);
}

/** Emits the sum of `data` [rows, ...] and values [...indices, ...] in the rows at the indices. */
function addRows(context: Context, data: string, values: Operand, indices: Operand, rows: number): string {
  const { build } = context;
  if (build.webgpu) return addRowsInOrder(context, data, values, indices, rows);
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

/** Emits the sum of `data` [..., size] and values [...], each at its index of the last axis. */
function addLast({ build }: Context, data: string, values: Operand, indices: Operand): string {
  const shape = [...values.type.shape, 1];
  return build.apply('ScatterElements', [data, build.reshape(indices.name, shape), build.reshape(values.name, shape)], {
    axis: { int: -1 },
    reduction: { string: 'add' },
  });
}

/** Emits `other + scattered` by scattering into `other`. Undefined unless `scattered` is a scatter of the same shape. */
export function addToScattered(context: Context, scattered: Operand, other: Operand): string | undefined {
  return scatterInto(context, scattered, other, () => other.name);
}

/** Emits `scattered - other` by scattering into -other, as in the gradient of a cross-entropy. */
export function subtractFromScattered(emission: Emission<'sub'>): string | undefined {
  const [scattered, other] = emission.inputs;
  return scatterInto(emission, scattered, other, () => negated(emission, other));
}

function scatterInto(context: Context, scattered: Operand, other: Operand, data: () => string): string | undefined {
  const { node } = scattered;
  if (!sameShape(other.type.shape, scattered.type.shape)) return undefined;
  if (!isOperation(node, 'scatterAddRows') && !isOperation(node, 'scatterLast')) return undefined;
  const [values, indices] = node.inputs.map(context.operand) as [Operand, Operand];
  if (node.primitive === 'scatterLast') return addLast(context, data(), values, indices);
  return addRows(context, data(), values, indices, scattered.type.shape[0] ?? 0);
}

/** Emits -x. Of a product, the smaller factor is negated. */
function negated({ build, operand }: Context, x: Operand): string {
  if (!isOperation(x.node, 'mul')) return build.apply('Neg', [x.name]);
  const [a, b] = x.node.inputs.map(operand) as [Operand, Operand];
  const [smaller, larger] = sizeOf(a.type.shape) < sizeOf(b.type.shape) ? [a, b] : [b, a];
  return build.apply('Mul', [larger.name, build.apply('Neg', [smaller.name])]);
}

/** Emitters of the primitives that read or write at indices. */
export const indexingEmitters: Emitters<Indexing> = {
  takeRows: ({ build, inputs }) => build.apply('Gather', names(inputs), { axis: { int: 0 } }),
  scatterAddRows: (emission) => {
    const [rows = 0] = emission.output.shape;
    return addRows(emission, zeros(emission, emission.output.shape), ...emission.inputs, rows);
  },
  takeRowsOnce: ({ build, inputs: [x, indices] }) => {
    const { node } = indices;
    if (node.kind === 'constant' && node.value.data.every((index) => index >= 0)) {
      return build.apply('Gather', [x.name, indices.name], { axis: { int: 0 } });
    }
    // Gather counts negative indices from the end: index -1 takes the row of zeros.
    const row = [1, ...x.type.shape.slice(1)];
    const zero = build.initializer({
      dtype: 'float32',
      shape: row,
      data: new Float32Array(row.reduce((product, size) => product * size, 1)),
    });
    const padded = build.apply('Concat', [x.name, zero], { axis: { int: 0 } });
    return build.apply('Gather', [padded, indices.name], { axis: { int: 0 } });
  },
  takeLast: ({ build, inputs: [x, indices], output }) => {
    const index = build.reshape(indices.name, [...indices.type.shape, 1]);
    return build.reshape(build.apply('GatherElements', [x.name, index], { axis: { int: -1 } }), output.shape);
  },
  scatterLast: (emission) => addLast(emission, zeros(emission, emission.output.shape), ...emission.inputs),
};
