import { sizeOf } from '../types.js';
import { broadcastOffsets, type Kernel, type Kernels, lastSize, rowCount } from './kernel.js';

type Product = 'matmul' | 'softmax' | 'logSoftmax' | 'rmsNorm' | 'rotary';

/** Computes each row of the last axis separately, in double precision. */
function rowwise(f: (row: Float64Array) => Float64Array): Kernel<'softmax' | 'logSoftmax'> {
  return ([x], _, output) => {
    const size = lastSize(x.shape);
    for (let row = 0; row < rowCount(x.shape); row++) {
      output.data.set(f(Float64Array.from(x.data.subarray(row * size, (row + 1) * size))), row * size);
    }
  };
}

function logSumExp(row: Float64Array): number {
  const max = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return max + Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0));
}

/** Matrix product and fused kernels. */
export const productKernels: Kernels<Product> = {
  matmul: ([a, b], { transposeA, transposeB, scale }, output) => {
    const batch = output.shape.slice(0, -2);
    const [rows = 0, columns = 0] = output.shape.slice(-2);
    const inner = a.shape.at(transposeA ? -2 : -1) ?? 0;
    const [rowOfA, columnOfA] = transposeA ? [1, rows] : [inner, 1];
    const [rowOfB, columnOfB] = transposeB ? [1, inner] : [columns, 1];
    const matricesOfA = broadcastOffsets(a.shape.slice(0, -2), batch);
    const matricesOfB = broadcastOffsets(b.shape.slice(0, -2), batch);
    for (let n = 0; n < sizeOf(batch); n++) {
      const startOfA = matricesOfA[n]! * rows * inner;
      const startOfB = matricesOfB[n]! * inner * columns;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let sum = 0;
          for (let k = 0; k < inner; k++) {
            sum += a.data[startOfA + i * rowOfA + k * columnOfA]! * b.data[startOfB + k * rowOfB + j * columnOfB]!;
          }
          output.data[(n * rows + i) * columns + j] = sum * scale;
        }
      }
    }
  },

  softmax: rowwise((row) => {
    const total = logSumExp(row);
    return row.map((x) => Math.exp(x - total));
  }),
  logSoftmax: rowwise((row) => {
    const total = logSumExp(row);
    return row.map((x) => x - total);
  }),

  rmsNorm: ([x, weight], { epsilon }, output) => {
    const size = lastSize(x.shape);
    for (let row = 0; row < rowCount(x.shape); row++) {
      let squares = 0;
      for (let i = 0; i < size; i++) squares += x.data[row * size + i]! ** 2;
      const scale = 1 / Math.sqrt(squares / size + epsilon);
      for (let i = 0; i < size; i++) output.data[row * size + i] = x.data[row * size + i]! * scale * weight.data[i]!;
    }
  },

  rotary: ([x, table], { interleaved }, output) => {
    const [, positions = 0, width = 0] = x.shape;
    const [tables = 1, , pairs = 0] = table.shape;
    const [step, distance] = interleaved ? [2, 1] : [1, pairs];
    for (let row = 0; row < rowCount(x.shape); row++) {
      const position = tables === 1 ? row % positions : row;
      for (let head = 0; head < width; head += 2 * pairs) {
        for (let pair = 0; pair < pairs; pair++) {
          const cos = table.data[(position * pairs + pair) * 2]!;
          const sin = table.data[(position * pairs + pair) * 2 + 1]!;
          const i = row * width + head + pair * step;
          const j = i + distance;
          output.data[i] = x.data[i]! * cos - x.data[j]! * sin;
          output.data[j] = x.data[i]! * sin + x.data[j]! * cos;
        }
      }
    }
  },
};
