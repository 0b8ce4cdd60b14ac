// AssemblyScript. `npm run kernels` compiles it to src/kernels/products.wasm.ts.

/** Rows of the right matrix that stay in the cache while all rows of the left one pass by. */
const blockRows: u32 = 64;

/** Numbers of a row in float32 whose products are added in float32 before they are added to the result in float64. */
export const chunkLength: u32 = 512;

/** Bytes of a row that are multiplied at a time, so that a few rows fit the first-level cache. */
const chunkBytes: u32 = 4 * chunkLength;

/** As {@link products}, of float64. */
export function products64(a: u32, b: u32, out: u32, n: u32, m: u32, bytes: u32, lower: bool): void {
  products<f64>(a, b, out, n, m, bytes, lower);
}

/** As {@link products}, of float32: each row's chunk is added up in float32, in four sums. */
export function products32(a: u32, b: u32, out: u32, n: u32, m: u32, bytes: u32, lower: bool): void {
  products<f32>(a, b, out, n, m, bytes, lower);
}

/**
 * Adds dot products of rows to float64 numbers: out[i * m + j] += a[i] . b[j] for i < n and j < m.
 * @param a Address of n rows.
 * @param b Address of m rows.
 * @param n A multiple of 4, as m.
 * @param bytes Length of a row, a multiple of 16.
 * @param lower Leaves out pairs with j > i + 3.
 */
function products<T>(a: u32, b: u32, out: u32, n: u32, m: u32, bytes: u32, lower: bool): void {
  for (let start: u32 = 0; start < bytes; start += chunkBytes) {
    const length = min(chunkBytes, bytes - start);
    for (let block: u32 = 0; block < m; block += blockRows) {
      const blockEnd = min(m, block + blockRows);
      for (let i: u32 = lower ? block : 0; i < n; i += 4) {
        const end = lower ? min(i + 4, blockEnd) : blockEnd;
        for (let j = block; j < end; j += 2) {
          tile<T>(a + i * bytes + start, b + j * bytes + start, bytes, length, out + (i * m + j) * 8, m * 8);
        }
      }
    }
  }
}

/** Adds the products of four rows with two rows, over `length` bytes. */
function tile<T>(a0: u32, b0: u32, stride: u32, length: u32, out: u32, outStride: u32): void {
  const a1 = a0 + stride;
  const a2 = a1 + stride;
  const a3 = a2 + stride;
  const b1 = b0 + stride;
  let s00 = i32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  for (let k: u32 = 0; k < length; k += 16) {
    const x = v128.load(b0 + k);
    const y = v128.load(b1 + k);
    const p = v128.load(a0 + k);
    s00 = v128.add<T>(s00, v128.mul<T>(p, x));
    s01 = v128.add<T>(s01, v128.mul<T>(p, y));
    const q = v128.load(a1 + k);
    s10 = v128.add<T>(s10, v128.mul<T>(q, x));
    s11 = v128.add<T>(s11, v128.mul<T>(q, y));
    const r = v128.load(a2 + k);
    s20 = v128.add<T>(s20, v128.mul<T>(r, x));
    s21 = v128.add<T>(s21, v128.mul<T>(r, y));
    const s = v128.load(a3 + k);
    s30 = v128.add<T>(s30, v128.mul<T>(s, x));
    s31 = v128.add<T>(s31, v128.mul<T>(s, y));
  }
  addTotals<T>(out, s00, s01);
  addTotals<T>(out + outStride, s10, s11);
  addTotals<T>(out + 2 * outStride, s20, s21);
  addTotals<T>(out + 3 * outStride, s30, s31);
}

/** Adds the total of x and the total of y, in float64, to two numbers that lie beside each other. */
function addTotals<T>(out: u32, x: v128, y: v128): void {
  const a = inTwo<T>(x);
  const b = inTwo<T>(y);
  const even = i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
  const odd = i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  v128.store(out, f64x2.add(v128.load(out), f64x2.add(even, odd)));
}

/** Sums in as many float64 numbers as fit, two. */
function inTwo<T>(sums: v128): v128 {
  if (sizeof<T>() === 8) return sums;
  const upper = i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  return f64x2.add(f64x2.promote_low_f32x4(sums), f64x2.promote_low_f32x4(upper));
}
