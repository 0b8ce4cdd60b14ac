import { type Shape, sizeOf } from '@dpar/tensor';
import type { TfjsTensor } from '../tfjs.js';
import { broadcastTo, type Kernel, type KernelContext, shaped } from './kernel.js';

/** Matrix, or a batch of matrices. */
interface Operand {
  readonly x: TfjsTensor;
  /** True if the product takes its transpose. */
  readonly transposed: boolean;
}

/** Fewest rows of a product for which preparing the fast kernel pays in WASM. */
const fewestRows = 8;

/** Kernel of the matrix product. The smallest of the inputs and the result is multiplied by the scale. */
export const matmul: Kernel<'matmul'> = (context, [a, b], { transposeA, transposeB, scale }, { shape }) => {
  const { tf } = context;
  const [sizeA, sizeB, size] = [sizeOf(a.shape), sizeOf(b.shape), sizeOf(shape)];
  if (sizeA === 0 || sizeB === 0) return tf.fill([...shape], 0, 'float32');
  const least = scale === 1 ? undefined : Math.min(sizeA, sizeB, size);
  const times = (x: TfjsTensor): TfjsTensor => tf.mul(x, tf.scalar(scale));
  const left = { x: least === sizeA ? times(a) : a, transposed: transposeA };
  const right = { x: least === sizeB && least !== sizeA ? times(b) : b, transposed: transposeB };
  const product = multiply(context, left, right, shape);
  return least === undefined || least === sizeA || least === sizeB ? product : times(product);
};

function multiply(context: KernelContext, a: Operand, b: Operand, shape: Shape): TfjsTensor {
  const { tf, backend } = context;
  const batch = shape.slice(0, -2);
  if (sizeOf(batch) === 1 || (b.x.shape.length === 2 && !a.transposed)) {
    // One product, over the rows of all matrices on the left.
    const left = { x: asMatrix(context, a.x), transposed: a.transposed };
    const right = { x: asMatrix(context, b.x), transposed: b.transposed };
    return shaped(tf, multiplyTwo(context, left, right), shape);
  }
  const [rows = 0] = shape.slice(-2);
  if (backend === 'wasm' && rows >= fewestRows) return shaped(tf, multiplyEach(context, a, b, batch), shape);
  const [left, right] = [a, b].map(({ x }) => asBatch(context, x, batch)) as [TfjsTensor, TfjsTensor];
  return shaped(tf, tf.matMul(left, right, a.transposed, b.transposed), shape);
}

/**
 * Multiplies two matrices. The WASM backend has a fast kernel (XNNPACK) for untransposed matrices. Its kernel with
 * transposes takes ten to thirty times as long, so matrices are transposed before.
 */
function multiplyTwo(context: KernelContext, a: Operand, b: Operand): TfjsTensor {
  const { tf, backend } = context;
  const rows = a.x.shape[a.transposed ? 1 : 0] ?? 0;
  return backend === 'wasm' && rows >= fewestRows
    ? tf.matMul(untransposed(context, a), untransposed(context, b))
    : tf.matMul(a.x, b.x, a.transposed, b.transposed);
}

/** Multiplies the matrices of two batches [..., rows, columns] one by one: in WASM five times as fast as its batched kernel. */
function multiplyEach(context: KernelContext, a: Operand, b: Operand, batch: Shape): TfjsTensor {
  const left = matricesOf(context, a, batch);
  const right = matricesOf(context, b, batch);
  return context.tf.concat(
    left.map((matrix, i) => context.tf.matMul(matrix, right[i] as TfjsTensor)),
    0,
  );
}

/** Untransposed matrices of a batch. The batch is read once, because each slice would read it all again. */
function matricesOf(context: KernelContext, { x, transposed }: Operand, batch: Shape): TfjsTensor[] {
  const { tf } = context;
  const count = sizeOf(batch);
  if (sizeOf(x.shape.slice(0, -2)) === 1) {
    return new Array<TfjsTensor>(count).fill(untransposed(context, { x: asMatrix(context, x), transposed }));
  }
  const whole = asBatch(context, x, batch); // [count, rows, columns]
  const turned = transposed ? tf.transpose(whole, [0, 2, 1]) : whole;
  const [, rows = 0, columns = 0] = turned.shape;
  const data = turned.dataSync() as Float32Array;
  return Array.from({ length: count }, (_, i) =>
    tf.tensor(data.subarray(i * rows * columns, (i + 1) * rows * columns), [rows, columns], 'float32'),
  );
}

/** Joins all axes but the last. */
function asMatrix({ tf }: KernelContext, x: TfjsTensor): TfjsTensor {
  return shaped(tf, x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1) ?? 1]);
}

/** Broadcasts [..., rows, columns] to a batch, and joins the axes of the batch. */
function asBatch(context: KernelContext, x: TfjsTensor, batch: Shape): TfjsTensor {
  const matrix = x.shape.slice(-2);
  return shaped(context.tf, broadcastTo(context, x, [...batch, ...matrix]), [sizeOf(batch), ...matrix]);
}

function untransposed({ tf }: KernelContext, { x, transposed }: Operand): TfjsTensor {
  if (!transposed) return x;
  const [rows = 0, columns = 0] = x.shape;
  if (rows !== 1 && columns !== 1) return tf.transpose(x);
  // A copy: the WASM kernel remembers a matrix on the right by its memory, and would take it for the untransposed one.
  return tf.mul(tf.reshape(x, [columns, rows]), tf.scalar(1));
}
