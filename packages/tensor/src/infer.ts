import { formatValue } from '@dpar/check';
import { DparError } from './error.js';
import type {
  AttributesOf,
  ConvolutionAttributes,
  None,
  PoolingAttributes,
  Primitive,
  ReductionAttributes,
} from './primitives.js';
import { broadcastShapes, sameShape } from './shape.js';
import { type DType, formatType, type Shape, sizeOf, type TensorType } from './types.js';

type ShapeRule<Attributes> = (inputs: readonly TensorType[], attributes: Attributes) => TensorType;

/** Error inside a rule. {@link inferType} adds the operation and its inputs. */
class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

function demand(condition: boolean, expected: string): asserts condition {
  if (!condition) throw new Mismatch(expected);
}

function input(inputs: readonly TensorType[], index: number): TensorType {
  const type = inputs[index];
  demand(type !== undefined, `at least ${index + 1} inputs`);
  return type;
}

function demandDtype(type: TensorType, dtype: DType, what: string): void {
  demand(type.dtype === dtype, `${what} of type ${dtype}`);
}

function demandAxis(axis: number, rank: number): void {
  demand(Number.isInteger(axis) && axis >= 0 && axis < rank, `an axis from 0 to ${rank - 1} (got ${axis})`);
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

const floatUnary: ShapeRule<None> = (inputs) => {
  const x = input(inputs, 0);
  demandDtype(x, 'float32', 'an input');
  return x;
};

const numericUnary: ShapeRule<None> = (inputs) => {
  const x = input(inputs, 0);
  demand(x.dtype !== 'bool', 'a float32 or int32 input');
  return x;
};

function broadcastOf(inputs: readonly TensorType[]): number[] {
  const shape = broadcastShapes(input(inputs, 0).shape, input(inputs, 1).shape);
  demand(shape !== undefined, 'shapes that broadcast (sizes equal or 1, aligned at the last axis)');
  return shape;
}

const arithmetic: ShapeRule<None> = (inputs) => {
  const a = input(inputs, 0);
  demand(a.dtype === input(inputs, 1).dtype && a.dtype !== 'bool', 'two float32 or two int32 inputs');
  return { dtype: a.dtype, shape: broadcastOf(inputs) };
};

const floatBinary: ShapeRule<None> = (inputs) => {
  demandDtype(input(inputs, 0), 'float32', 'inputs');
  demandDtype(input(inputs, 1), 'float32', 'inputs');
  return { dtype: 'float32', shape: broadcastOf(inputs) };
};

const comparison: ShapeRule<None> = (inputs) => ({ dtype: 'bool', shape: arithmetic(inputs, {}).shape });

const logical: ShapeRule<None> = (inputs) => {
  demandDtype(input(inputs, 0), 'bool', 'inputs');
  demandDtype(input(inputs, 1), 'bool', 'inputs');
  return { dtype: 'bool', shape: broadcastOf(inputs) };
};

const reduction: ShapeRule<ReductionAttributes> = (inputs, { axes }) => {
  const x = input(inputs, 0);
  demandDtype(x, 'float32', 'an input');
  for (const axis of axes) demandAxis(axis, x.shape.length);
  demand(new Set(axes).size === axes.length, 'axes that differ');
  return { dtype: 'float32', shape: x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)) };
};

const lastAxis: ShapeRule<None> = (inputs) => {
  const x = floatUnary(inputs, {});
  demand(x.shape.length > 0, 'an input of rank 1 or more');
  return x;
};

function demandIndices(indices: TensorType, what = 'indices'): void {
  demandDtype(indices, 'int32', what);
}

/** Size of a convolution's output along one axis. */
function convolved(size: number, kernel: number, stride: number, padding: number): number {
  return Math.floor((size + padding - kernel) / stride) + 1;
}

function demandConvolution({ stride, padding }: ConvolutionAttributes): void {
  demand(Number.isInteger(stride) && stride >= 1, `a stride that is a whole number >= 1 (got ${stride})`);
  demand(padding.every(isCount), `paddings that are whole numbers >= 0 (got ${padding.join(', ')})`);
}

const pooling: ShapeRule<PoolingAttributes> = (inputs, attributes) => {
  const x = floatUnary(inputs, {});
  demandConvolution(attributes);
  const {
    kernel: [kernelHeight, kernelWidth],
    padding: [top, left, bottom, right],
    stride,
  } = attributes;
  const [batch, channels, height, width] = rank4(x.shape, 'x of shape [B, C, H, W]');
  demand(
    isCount(kernelHeight) && isCount(kernelWidth) && kernelHeight >= 1 && kernelWidth >= 1,
    `a kernel of whole numbers >= 1 (got ${kernelHeight} x ${kernelWidth})`,
  );
  // Each window then has elements of the image.
  demand(
    Math.max(top, bottom) < kernelHeight && Math.max(left, right) < kernelWidth,
    `paddings less than the kernel (got ${attributes.padding.join(', ')} for ${kernelHeight} x ${kernelWidth})`,
  );
  const rows = convolved(height, kernelHeight, stride, top + bottom);
  const columns = convolved(width, kernelWidth, stride, left + right);
  demand(height >= 1 && width >= 1 && rows >= 1 && columns >= 1, 'an image at least as large as the kernel');
  return { dtype: 'float32', shape: [batch, channels, rows, columns] };
};

/** Shape rule of every primitive: from input types and attributes to the output type. */
const rules: { readonly [P in Primitive]: ShapeRule<AttributesOf<P>> } = {
  neg: numericUnary,
  abs: numericUnary,
  exp: floatUnary,
  log: floatUnary,
  sqrt: floatUnary,
  reciprocal: floatUnary,
  sin: floatUnary,
  cos: floatUnary,
  tanh: floatUnary,
  erf: floatUnary,
  sigmoid: floatUnary,
  silu: floatUnary,
  not: (inputs) => {
    demandDtype(input(inputs, 0), 'bool', 'an input');
    return input(inputs, 0);
  },
  cast: (inputs, { dtype }) => ({ dtype, shape: input(inputs, 0).shape }),
  add: arithmetic,
  sub: arithmetic,
  mul: arithmetic,
  div: floatBinary,
  maximum: arithmetic,
  minimum: arithmetic,
  equal: comparison,
  less: comparison,
  lessEqual: comparison,
  and: logical,
  or: logical,
  select: (inputs) => {
    const [condition, whenTrue, whenFalse] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
    demandDtype(condition, 'bool', 'a condition');
    demand(whenTrue.dtype === whenFalse.dtype, 'two alternatives of one type');
    const values = broadcastOf([whenTrue, whenFalse]);
    const shape = broadcastShapes(condition.shape, values);
    demand(shape !== undefined, 'shapes that broadcast (sizes equal or 1, aligned at the last axis)');
    return { dtype: whenTrue.dtype, shape };
  },
  reshape: (inputs, { shape }) => {
    const x = input(inputs, 0);
    demand(shape.every(isCount) && sizeOf(shape) === sizeOf(x.shape), `as many elements as in [${shape.join(', ')}]`);
    return { dtype: x.dtype, shape };
  },
  transpose: (inputs, { permutation }) => {
    const x = input(inputs, 0);
    const sorted = [...permutation].sort((a, b) => a - b);
    demand(
      sorted.length === x.shape.length && sorted.every((axis, i) => axis === i),
      `a permutation of ${x.shape.length} axes (got [${permutation.join(', ')}])`,
    );
    return { dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis] ?? 0) };
  },
  broadcast: (inputs, { shape }) => {
    const x = input(inputs, 0);
    demand(shape.every(isCount), `sizes that are whole numbers >= 0 (got [${shape.join(', ')}])`);
    const result = broadcastShapes(x.shape, shape);
    demand(result !== undefined && sameShape(result, shape), `a shape that broadcasts to [${shape.join(', ')}]`);
    return { dtype: x.dtype, shape };
  },
  concat: (inputs, { axis }) => {
    const first = input(inputs, 0);
    demandAxis(axis, first.shape.length);
    let size = 0;
    for (const type of inputs) {
      demand(type.dtype === first.dtype, 'inputs of one type');
      demand(
        type.shape.length === first.shape.length &&
          type.shape.every((dimension, i) => i === axis || dimension === first.shape[i]),
        `inputs that agree in all axes but axis ${axis}`,
      );
      size += type.shape[axis] ?? 0;
    }
    return { dtype: first.dtype, shape: first.shape.map((dimension, i) => (i === axis ? size : dimension)) };
  },
  slice: (inputs, { axis, start, size }) => {
    const x = input(inputs, 0);
    demandAxis(axis, x.shape.length);
    const length = x.shape[axis] ?? 0;
    demand(
      isCount(start) && isCount(size) && start + size <= length,
      `a range within axis ${axis} of size ${length} (got start ${start}, size ${size})`,
    );
    return { dtype: x.dtype, shape: x.shape.map((dimension, i) => (i === axis ? size : dimension)) };
  },
  pad: (inputs, { axis, before, after }) => {
    const x = input(inputs, 0);
    demand(x.dtype !== 'bool', 'a float32 or int32 input');
    demandAxis(axis, x.shape.length);
    demand(isCount(before) && isCount(after), `paddings that are whole numbers >= 0 (got ${before} and ${after})`);
    return { dtype: x.dtype, shape: x.shape.map((size, i) => (i === axis ? before + size + after : size)) };
  },
  takeRows: (inputs) => {
    const [x, indices] = [input(inputs, 0), input(inputs, 1)];
    demand(x.shape.length > 0, 'rows of rank 1 or more');
    demandIndices(indices);
    return { dtype: x.dtype, shape: [...indices.shape, ...x.shape.slice(1)] };
  },
  scatterAddRows: (inputs, { rows }) => {
    const [values, indices] = [input(inputs, 0), input(inputs, 1)];
    demandDtype(values, 'float32', 'values');
    demandIndices(indices);
    demand(isCount(rows), `a number of rows >= 0 (got ${rows})`);
    demand(
      sameShape(values.shape.slice(0, indices.shape.length), indices.shape),
      'values whose first axes are those of the indices',
    );
    return { dtype: 'float32', shape: [rows, ...values.shape.slice(indices.shape.length)] };
  },
  takeRowsOnce: (inputs) => {
    const [x, indices, inverse] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
    demandDtype(x, 'float32', 'rows');
    demandIndices(indices);
    demandIndices(inverse, 'inverse indices');
    demand(x.shape.length > 0 && sameShape(inverse.shape, x.shape.slice(0, 1)), 'one inverse index for each row');
    return { dtype: 'float32', shape: [...indices.shape, ...x.shape.slice(1)] };
  },
  takeLast: (inputs) => {
    const [x, indices] = [input(inputs, 0), input(inputs, 1)];
    demandIndices(indices);
    demand(sameShape(x.shape.slice(0, -1), indices.shape) && x.shape.length > 0, 'one index for each last axis');
    return { dtype: x.dtype, shape: indices.shape };
  },
  scatterLast: (inputs, { size }) => {
    const [values, indices] = [input(inputs, 0), input(inputs, 1)];
    demandDtype(values, 'float32', 'values');
    demandIndices(indices);
    demand(isCount(size), `a size that is a whole number >= 0 (got ${size})`);
    demand(sameShape(values.shape, indices.shape), 'one index for each value');
    return { dtype: 'float32', shape: [...values.shape, size] };
  },
  sum: reduction,
  mean: reduction,
  max: reduction,
  argMax: (inputs) => ({ dtype: 'int32', shape: lastAxis(inputs, {}).shape.slice(0, -1) }),
  matmul: (inputs, { transposeA, transposeB }) => {
    const [a, b] = [input(inputs, 0), input(inputs, 1)];
    demandDtype(a, 'float32', 'inputs');
    demandDtype(b, 'float32', 'inputs');
    demand(a.shape.length >= 2 && b.shape.length >= 2, 'inputs of rank 2 or more');
    const [rowsA, columnsA] = matrixAxes(a.shape, transposeA);
    const [rowsB, columnsB] = matrixAxes(b.shape, transposeB);
    demand(columnsA === rowsB, `inner sizes that agree (${columnsA} and ${rowsB})`);
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
    demand(batch !== undefined, 'batch axes that broadcast');
    return { dtype: 'float32', shape: [...batch, rowsA, columnsB] };
  },
  softmax: lastAxis,
  logSoftmax: lastAxis,
  rmsNorm: (inputs) => {
    const [x, weight] = [lastAxis(inputs, {}), input(inputs, 1)];
    demandDtype(weight, 'float32', 'a weight');
    demand(sameShape(weight.shape, x.shape.slice(-1)), 'one weight for each element of the last axis');
    return x;
  },
  rotary: (inputs) => {
    const [x, table] = [floatUnary(inputs, {}), input(inputs, 1)];
    demandDtype(table, 'float32', 'a table');
    demand(x.shape.length === 3, 'x of shape [B, T, H * headDim]');
    demand(
      table.shape.length === 4 &&
        table.shape[3] === 2 &&
        table.shape[1] === x.shape[1] &&
        (table.shape[0] === 1 || table.shape[0] === x.shape[0]),
      'a table of shape [1 or B, T, headDim / 2, 2]',
    );
    demand((x.shape[2] ?? 0) % (2 * (table.shape[2] ?? 1)) === 0, 'a last axis that headDim divides');
    return x;
  },
  conv2d: (inputs, attributes) => {
    const [x, weight] = [floatUnary(inputs, {}), input(inputs, 1)];
    demandConvolution(attributes);
    const [batch, channels, height, width] = rank4(x.shape, 'x of shape [B, I, H, W]');
    const [outputs, inputChannels, kernelHeight, kernelWidth] = rank4(weight.shape, 'a weight of shape [O, I, h, w]');
    demand(channels === inputChannels, `as many channels as the weight reads (${channels} and ${inputChannels})`);
    const [top, left, bottom, right] = attributes.padding;
    const rows = convolved(height, kernelHeight, attributes.stride, top + bottom);
    const columns = convolved(width, kernelWidth, attributes.stride, left + right);
    demand(rows >= 1 && columns >= 1, 'an image at least as large as the kernel');
    return { dtype: 'float32', shape: [batch, outputs, rows, columns] };
  },
  conv2dInputGradient: (inputs, attributes) => {
    const [gradient, weight] = [floatUnary(inputs, {}), input(inputs, 1)];
    const [batch, outputs] = rank4(gradient.shape, 'a gradient of shape [B, O, H, W]');
    const [, channels] = rank4(weight.shape, 'a weight of shape [O, I, h, w]');
    const shape = [batch, channels, attributes.height, attributes.width];
    const forward = rules.conv2d([{ dtype: 'float32', shape }, weight], attributes);
    demand(
      outputs === weight.shape[0] && sameShape(forward.shape, gradient.shape),
      `a gradient of ${formatType(forward)}`,
    );
    return { dtype: 'float32', shape };
  },
  conv2dWeightGradient: (inputs, attributes) => {
    const [x, gradient] = [floatUnary(inputs, {}), input(inputs, 1)];
    const [, channels] = rank4(x.shape, 'x of shape [B, I, H, W]');
    const [, outputs] = rank4(gradient.shape, 'a gradient of shape [B, O, H, W]');
    const shape = [outputs, channels, attributes.kernelHeight, attributes.kernelWidth];
    const forward = rules.conv2d([x, { dtype: 'float32', shape }], attributes);
    demand(sameShape(forward.shape, gradient.shape), `a gradient of ${formatType(forward)}`);
    return { dtype: 'float32', shape };
  },
  resizeNearest: (inputs, { factor }) => {
    const x = floatUnary(inputs, {});
    const [batch, channels, height, width] = rank4(x.shape, 'x of shape [B, C, H, W]');
    demand(Number.isInteger(factor) && factor >= 1, `a factor that is a whole number >= 1 (got ${factor})`);
    return { dtype: 'float32', shape: [batch, channels, height * factor, width * factor] };
  },
  groupNorm: (inputs, { groups }) => {
    const [x, weight, bias] = [floatUnary(inputs, {}), input(inputs, 1), input(inputs, 2)];
    const [, channels] = rank4(x.shape, 'x of shape [B, C, H, W]');
    demandDtype(weight, 'float32', 'a weight');
    demandDtype(bias, 'float32', 'a bias');
    const fits = [weight, bias].every(({ shape }) => sameShape(shape, [channels]));
    demand(fits, 'a weight and a bias with one element for each channel');
    demand(
      Number.isInteger(groups) && groups >= 1 && channels % groups === 0,
      `a number of groups that divides the channels (got ${groups})`,
    );
    return x;
  },
  maxPool2d: pooling,
  averagePool2d: pooling,
};

function matrixAxes(shape: Shape, transposed: boolean): [number, number] {
  const rows = shape[shape.length - 2] ?? 0;
  const columns = shape[shape.length - 1] ?? 0;
  return transposed ? [columns, rows] : [rows, columns];
}

function rank4(shape: Shape, expected: string): [number, number, number, number] {
  const [a, b, c, d] = shape;
  demand(shape.length === 4 && a !== undefined && b !== undefined && c !== undefined && d !== undefined, expected);
  return [a, b, c, d];
}

/**
 * Infers the output type of a primitive.
 * @throws DparError with the operation, the requirement, and the input types.
 */
export function inferType<P extends Primitive>(
  primitive: P,
  inputs: readonly TensorType[],
  attributes: AttributesOf<P>,
): TensorType {
  if (!Object.hasOwn(rules, primitive)) {
    throw new DparError(
      `inferType: expected the name of a primitive, got ${formatValue(primitive)}. Check 'primitive'.`,
    );
  }
  const rule: ShapeRule<AttributesOf<P>> = rules[primitive];
  try {
    return rule(inputs, attributes);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    const types = inputs.map(formatType).join(' and ') || 'no inputs';
    throw new DparError(`${primitive}: expected ${error.message}, got ${types}. Check the inputs.`);
  }
}
