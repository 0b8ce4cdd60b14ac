import { type Shape, sizeOf } from '@dpar/tensor';
import { matmul } from '../matmul.js';
import { microsoft, type OnnxBuilder } from '../onnx/builder.js';
import { type Emitter, type Emitters, names, type Operand } from './emitter.js';

type Product = 'matmul' | 'softmax' | 'logSoftmax' | 'rmsNorm' | 'rotary';

const rmsNorm: Emitter<'rmsNorm'> = ({ build, inputs, attributes: { epsilon } }) => {
  const [x = '', weight = ''] = names(inputs);
  // ONNX Runtime 1.22 refuses an axis of size 1.
  if (!build.portable && inputs[1].type.shape[0] !== 1) {
    // ONNX Runtime's own operator, in the standard domain.
    return build.apply('SimplifiedLayerNormalization', [x, weight], { axis: { int: -1 }, epsilon: { float: epsilon } });
  }
  const square = build.apply('ReduceMean', [build.apply('Mul', [x, x]), build.int64([-1])], { keepdims: { int: 1 } });
  const root = build.apply('Sqrt', [build.apply('Add', [square, build.float(epsilon)])]);
  return build.apply('Mul', [build.apply('Div', [x, root]), weight]);
};

/** LogSoftmax; in parts for WebGPU, whose provider lacks it. */
const logSoftmax: Emitter<'logSoftmax'> = ({ build, inputs: [{ name: x }] }) => {
  if (!build.webgpu) return build.apply('LogSoftmax', [x], { axis: { int: -1 } });
  const reduced = (opType: string, y: string): string =>
    build.apply(opType, [y, build.int64([-1])], { keepdims: { int: 1 } });
  const below = build.apply('Sub', [x, reduced('ReduceMax', x)]);
  const sum = reduced('ReduceSum', build.apply('Exp', [below]));
  return build.apply('Sub', [below, build.apply('Log', [sum])]);
};

/** Emits the cosines (0) or sines (1) of a table [Tb, T, half, 2], in the given shape. */
function component(build: OnnxBuilder, table: Operand, index: 0 | 1, shape: Shape): string {
  const part = build.apply('Slice', [table.name, build.int64([index]), build.int64([index + 1]), build.int64([3])]);
  return build.reshape(part, shape);
}

/** Emits 0, 1, 2, ..., one for each row of `cache`, as int64 [batch, length]. */
function positionsInOrder(build: OnnxBuilder, cache: string, [batch, length]: readonly [number, number]): string {
  if (!build.dynamic.isOpen(batch * length)) {
    const positions = Array.from({ length: batch * length }, (_, i) => i);
    return build.int64(positions, [batch, length]);
  }
  const rows = build.apply('Shape', [cache], { start: { int: 0 }, end: { int: 1 } });
  const count = build.apply('Squeeze', [rows]);
  return build.reshape(build.apply('Range', [build.int64([0], []), count, build.int64([1], [])]), [batch, length]);
}

const rotary: Emitter<'rotary'> = (emission) => {
  const { build, inputs, attributes } = emission;
  const [x, table] = inputs;
  const [batch = 0, length = 0, width = 0] = x.type.shape;
  const [tables = 0, , half = 0] = table.type.shape;
  if (build.portable || sizeOf(x.type.shape) === 0) return rotaryByParts(emission);
  const cache: Shape = [tables * length, half];
  // With one table, positions count from 0 in each sequence. With a table for each sequence, they continue.
  const [cos, sin] = [component(build, table, 0, cache), component(build, table, 1, cache)];
  const rotated = (rows: string, positions: string): string =>
    build.apply(
      'RotaryEmbedding',
      [rows, positions, cos, sin],
      { interleaved: { int: Number(attributes.interleaved) } },
      microsoft,
    );
  if (tables === 1) return rotated(x.name, build.int64([0]));
  // WebGPU cannot make positions of int64, so all sequences become one there.
  if (build.webgpu) {
    const rows = build.reshape(x.name, [1, batch * length, width]);
    return build.reshape(rotated(rows, build.int64([0])), x.type.shape);
  }
  return rotated(x.name, positionsInOrder(build, cos, [batch, length]));
};

const rotaryByParts: Emitter<'rotary'> = ({ build, inputs: [x, table], attributes: { interleaved }, output }) => {
  const [batch = 0, length = 0, width = 0] = x.type.shape;
  const [tables = 0, , half = 1] = table.type.shape;
  const heads = width / (2 * half);
  // Pairs along the last axis, or along the one before.
  const pairs = interleaved ? [batch, length, heads, half, 2] : [batch, length, heads, 2, half];
  const axis = interleaved ? 4 : 3;
  const element = interleaved ? [half, 1] : [1, half];
  const split = build.reshape(x.name, pairs);
  const part = (index: number): string =>
    build.apply('Slice', [split, build.int64([index]), build.int64([index + 1]), build.int64([axis])]);
  const [cos, sin] = [
    component(build, table, 0, [tables, length, 1, ...element]),
    component(build, table, 1, [tables, length, 1, ...element]),
  ];
  const [first, second] = [part(0), part(1)];
  const times = (a: string, b: string): string => build.apply('Mul', [a, b]);
  const rotated = [
    build.apply('Sub', [times(first, cos), times(second, sin)]),
    build.apply('Add', [times(first, sin), times(second, cos)]),
  ];
  return build.reshape(build.apply('Concat', rotated, { axis: { int: axis } }), output.shape);
};

/** Emitters of products and fused kernels. */
export const productEmitters: Emitters<Product> = {
  matmul,
  softmax: ({ build, inputs }) => build.apply('Softmax', names(inputs), { axis: { int: -1 } }),
  logSoftmax,
  rmsNorm,
  rotary,
};
