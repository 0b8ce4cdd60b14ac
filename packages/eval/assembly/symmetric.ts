// AssemblyScript. `npm run kernels` compiles it to src/kernels/symmetric.wasm.ts.
// All addresses are of float64 numbers.

/**
 * A := A - v w^T - w v^T, then product = A u, for the leading k rows and columns; the lower triangle of A alone.
 * @param a Address of A, whose rows are `stride` bytes apart.
 * @param product Address of k numbers, which are overwritten.
 */
export function updateAndMultiply(a: u32, stride: u32, k: u32, v: u32, w: u32, u: u32, product: u32): void {
  memory.fill(product, 0, k * 8);
  // Two rows at a time share what is read of the vectors. The second row of the pair ends one column later.
  for (let i: u32 = 0; i < k; i += 2) {
    const at = i * 8;
    const row = a + i * stride;
    if (i + 1 === k) {
      lastRow(row, at, v, w, u, product);
      return;
    }
    const below = row + stride;
    const v0 = f64x2.splat(load<f64>(v + at));
    const w0 = f64x2.splat(load<f64>(w + at));
    const u0 = f64x2.splat(load<f64>(u + at));
    const v1 = f64x2.splat(load<f64>(v + at, 8));
    const w1 = f64x2.splat(load<f64>(w + at, 8));
    const u1 = f64x2.splat(load<f64>(u + at, 8));
    let s0 = f64x2.splat(0);
    let s1 = s0;
    for (let j: u32 = 0; j < at; j += 16) {
      const vj = v128.load(v + j);
      const wj = v128.load(w + j);
      const uj = v128.load(u + j);
      const x = updated(v128.load(row + j), v0, wj, w0, vj);
      const y = updated(v128.load(below + j), v1, wj, w1, vj);
      v128.store(row + j, x);
      v128.store(below + j, y);
      s0 = f64x2.add(s0, f64x2.mul(x, uj));
      s1 = f64x2.add(s1, f64x2.mul(y, uj));
      const columns = f64x2.add(f64x2.mul(x, u0), f64x2.mul(y, u1));
      v128.store(product + j, f64x2.add(v128.load(product + j), columns));
    }
    // The two by two corner at the diagonal.
    const vi = load<f64>(v + at);
    const wi = load<f64>(w + at);
    const ui = load<f64>(u + at);
    const vn = load<f64>(v + at, 8);
    const wn = load<f64>(w + at, 8);
    const un = load<f64>(u + at, 8);
    const first = load<f64>(row + at) - 2 * vi * wi;
    const beside = load<f64>(below + at) - vn * wi - wn * vi;
    const second = load<f64>(below + at, 8) - 2 * vn * wn;
    store<f64>(row + at, first);
    store<f64>(below + at, beside);
    store<f64>(below + at, second, 8);
    store<f64>(product + at, total(s0) + first * ui + beside * un);
    store<f64>(product + at, total(s1) + beside * ui + second * un, 8);
  }
}

/** The row that has no other beside it. */
function lastRow(row: u32, at: u32, v: u32, w: u32, u: u32, product: u32): void {
  const vi = load<f64>(v + at);
  const wi = load<f64>(w + at);
  const ui = load<f64>(u + at);
  const v0 = f64x2.splat(vi);
  const w0 = f64x2.splat(wi);
  const u0 = f64x2.splat(ui);
  let sum = f64x2.splat(0);
  for (let j: u32 = 0; j < at; j += 16) {
    const x = updated(v128.load(row + j), v0, v128.load(w + j), w0, v128.load(v + j));
    v128.store(row + j, x);
    sum = f64x2.add(sum, f64x2.mul(x, v128.load(u + j)));
    v128.store(product + j, f64x2.add(v128.load(product + j), f64x2.mul(x, u0)));
  }
  const corner = load<f64>(row + at) - 2 * vi * wi;
  store<f64>(row + at, corner);
  store<f64>(product + at, total(sum) + corner * ui);
}

/** x - v w - w' v' */
function updated(x: v128, v: v128, w: v128, otherW: v128, otherV: v128): v128 {
  return f64x2.sub(f64x2.sub(x, f64x2.mul(v, w)), f64x2.mul(otherW, otherV));
}

/**
 * Dot products of all rows with one of them: out[i] = row i . row `one`, over the first `bytes` bytes.
 * @param rows Address of n rows, `stride` bytes apart.
 * @param skip Address of n bytes: rows whose byte is not 0 are left out.
 * @param bytes A multiple of 64.
 */
export function rowDots(rows: u32, stride: u32, n: u32, one: u32, bytes: u32, skip: u32, out: u32): void {
  const other = rows + one * stride;
  for (let i: u32 = 0; i < n; i++) {
    if (load<u8>(skip + i)) continue;
    const row = rows + i * stride;
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let k: u32 = 0; k < bytes; k += 64) {
      s0 = f64x2.add(s0, f64x2.mul(v128.load(row + k), v128.load(other + k)));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(row + k, 16), v128.load(other + k, 16)));
      s2 = f64x2.add(s2, f64x2.mul(v128.load(row + k, 32), v128.load(other + k, 32)));
      s3 = f64x2.add(s3, f64x2.mul(v128.load(row + k, 48), v128.load(other + k, 48)));
    }
    store<f64>(out + i * 8, total(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3))));
  }
}

function total(sums: v128): f64 {
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}
