import { type KernelConstant, startKernels } from '@dpar/tensor';
import { type GrowingMemory, reserve } from './memory.js';
import { productsWasm } from './products.wasm.js';

/** Exports of assembly/products.ts. */
interface Exports extends GrowingMemory {
  readonly chunkLength: KernelConstant;
  readonly products32: ProductKernel;
  readonly products64: ProductKernel;
}

type ProductKernel = (a: number, b: number, out: number, n: number, m: number, bytes: number, lower: boolean) => void;

/** Rows of numbers to multiply, in float32 or float64. */
export interface Rows<Data extends Float32Array | Float64Array = Float32Array | Float64Array> {
  readonly data: Data;
  readonly rows: number;
}

/** Most rows of a block. Larger blocks are not faster. */
export const blockRows = 512;

/** Columns that the kernels' memory holds at a time. */
const blockColumns = 2048;

/** Rows that the kernels multiply at a time. */
const unit = 4;

const rowsBytes = blockRows * blockColumns * 8;
const addresses = { a: 0, b: rowsBytes, out: 2 * rowsBytes };

let started: Exports | undefined;

/** The kernels. Their memory (18 MiB) is kept. */
function kernels(): Exports {
  if (started === undefined) {
    started = startKernels<Exports>(productsWasm, 'rowProducts');
    reserve(started, addresses.out + blockRows * blockRows * 8, 'rowProducts');
  }
  return started;
}

/**
 * Error bound of float32 products of rows of `columns` numbers, as a share of |a| |b|, if none underflows. In a chunk of c
 * numbers a product is rounded once and then added at most c / 4 times in float32. Float64 adds less than one more rounding.
 * n roundings by u change a sum by at most n u / (1 - n u) of the sum of absolute values (Higham, Accuracy and Stability of
 * Numerical Algorithms, 3.1). That sum is at most |a| |b|.
 */
export function floatProductError(columns: number): number {
  const roundings = Math.ceil(Math.min(columns, kernels().chunkLength.value) / 4) + 2;
  const unitRoundoff = 2 ** -24;
  return (roundings * unitRoundoff) / (1 - roundings * unitRoundoff);
}

/**
 * Dot products [n, m] of the rows of two blocks of at most {@link blockRows} rows of `columns` numbers.
 * @param lower Computes only the part at and below the diagonal. Other entries are unspecified.
 */
export function blockProducts(a: Rows, b: Rows, columns: number, lower = false): Float64Array {
  const run = kernels();
  const { buffer } = run.memory;
  const [n, m] = [roundUp(a.rows, unit), roundUp(b.rows, unit)];
  const sums = new Float64Array(buffer, addresses.out, n * m).fill(0);
  const single = a.data instanceof Float32Array;
  const [View, product] = single ? [Float32Array, run.products32] : [Float64Array, run.products64];
  for (let first = 0; first < columns; first += blockColumns) {
    const count = Math.min(blockColumns, columns - first);
    const width = roundUp(count, 16 / View.BYTES_PER_ELEMENT);
    for (const [address, { data, rows }] of [
      [addresses.a, a],
      [addresses.b, b],
    ] as const) {
      const place = new View(buffer, address, roundUp(rows, unit) * width);
      if (width === columns) {
        place.set(data);
        place.fill(0, rows * width);
        continue;
      }
      place.fill(0);
      for (let r = 0; r < rows; r++) {
        place.set(data.subarray(r * columns + first, r * columns + first + count), r * width);
      }
    }
    product(addresses.a, addresses.b, addresses.out, n, m, width * View.BYTES_PER_ELEMENT, lower);
  }
  if (m === b.rows) return sums.slice(0, a.rows * m);
  const out = new Float64Array(a.rows * b.rows);
  for (let i = 0; i < a.rows; i++) out.set(sums.subarray(i * m, i * m + b.rows), i * b.rows);
  return out;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
