import { pillowBicubic, type Taps } from '@dpar/images';

/** Keys' cubic convolution with a = -0.75, which PyTorch calls bicubic. */
function cubic(distance: number): number {
  const d = Math.abs(distance);
  if (d < 1) return (1.25 * d - 2.25) * d * d + 1;
  return d < 2 ? ((-0.75 * d + 3.75) * d - 6) * d + 3 : 0;
}

/**
 * PyTorch's bicubic interpolation of `from` places at `to` places, each `scale` source places wide (align corners off). Places
 * beyond the ends repeat the last one.
 */
function pyTorchBicubic(from: number, to: number, scale: number): Taps {
  const count = Math.min(4, from);
  const first = new Int32Array(to);
  const weights = new Float64Array(to * count);
  for (let i = 0; i < to; i++) {
    const at = (i + 0.5) * scale - 0.5;
    const before = Math.floor(at) - 1;
    const start = Math.min(from - count, Math.max(0, before));
    first[i] = start;
    for (let place = before; place < before + 4; place++) {
      const tap = i * count + Math.min(from - 1, Math.max(0, place)) - start;
      weights[tap] = (weights[tap] as number) + cubic(at - place);
    }
  }
  return { count, first, weights };
}

/** Size of a grid in patches. */
export interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Positional embeddings of a grid of patches from those of a square table, as in the published networks. Without registers:
 * bicubic with scale factors of (rows + 0.1) / grid, an offset that the original code adds against rounding. With registers:
 * antialiased bicubic to the size itself. A grid of the table's size keeps the table.
 *
 * @param table [grid * grid, D]
 * @param registers True for a network with registers.
 * @returns [rows * columns, D]
 */
export function interpolatePositions(
  table: ArrayLike<number>,
  width: number,
  grid: number,
  { rows, columns }: PatchGrid,
  registers: boolean,
): Float32Array {
  if (rows === grid && columns === grid) return Float32Array.from(table);
  const along = (to: number): Taps =>
    registers ? pillowBicubic(grid, to) : pyTorchBicubic(grid, to, grid / (to + 0.1));
  const [down, across] = [along(rows), along(columns)];
  const narrowed = new Float64Array(grid * columns * width); // [grid, columns, D]
  for (let row = 0; row < grid; row++) {
    addRows(narrowed, row * columns * width, table, row * grid * width, width, width, across);
  }
  const out = new Float64Array(rows * columns * width); // [rows, columns, D]
  addRows(out, 0, narrowed, 0, columns * width, columns * width, down);
  return Float32Array.from(out);
}

/** Adds weighted source rows of `length` numbers, which lie `stride` apart, to consecutive rows. */
function addRows(
  out: Float64Array,
  outStart: number,
  source: ArrayLike<number>,
  start: number,
  length: number,
  stride: number,
  { count, first, weights }: Taps,
): void {
  for (let tap = 0; tap < weights.length; tap++) {
    const weight = weights[tap] as number;
    if (weight === 0) continue;
    const row = Math.floor(tap / count);
    const to = outStart + row * length;
    const from = start + ((first[row] as number) + (tap % count)) * stride;
    for (let i = 0; i < length; i++) out[to + i] = (out[to + i] as number) + weight * (source[from + i] as number);
  }
}
