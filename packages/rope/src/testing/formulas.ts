/** A pair's (cos, sin). */
type Rotation = readonly [number, number];

/** [cos(w_i v), sin(w_i v)] for w_i = base^(exponent (i - 1) / d), i = 1 .. count, as the paper writes it. */
function r(v: number, exponent: number, count: number, d: number, base: number): Rotation[] {
  return Array.from({ length: count }, (_, k) => {
    const w = base ** ((exponent * k) / d);
    return [Math.cos(w * v), Math.sin(w * v)];
  });
}

/** Eq. S1 of DPAR: a token at row x, column y. */
export function equationS1(x: number, y: number, d: number, base = 10000): number[] {
  return [...r(x, -4, d / 4, d, base), ...r(y, -4, d / 4, d, base)].flat();
}

/** Eq. S2 of DPAR: a patch at row x that spans columns ys to yf. */
export function equationS2(x: number, ys: number, yf: number, d: number, base = 10000): number[] {
  const start = r(ys, -16, d / 16, d, base);
  const end = r(yf, -16, d / 16, d, base);
  return [...r(x, -4, d / 4, d, base), ...start, ...end, ...end, ...start].flat();
}

/** Dynamic RoPE without redundancy (Table S3 of DPAR). */
export function withoutRedundancy(x: number, ys: number, yf: number, d: number, base = 10000): number[] {
  return [...r(x, -4, d / 4, d, base), ...r(ys, -8, d / 8, d, base), ...r(yf, -8, d / 8, d, base)].flat();
}

/** RoFormer: a position m of a sequence. */
export function oneDimensional(m: number, d: number, base = 10000): number[] {
  return r(m, -2, d / 2, d, base).flat();
}

/** Rows of a table [positions, d / 2, 2], flat. */
export function rowsOf(data: Float32Array, d: number): number[][] {
  return Array.from({ length: data.length / d }, (_, p) => [...data.subarray(p * d, (p + 1) * d)]);
}

/** Largest difference between two lists of numbers of the same length. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    if (!(difference <= largest)) largest = difference; // NaN stays
  }
  return largest;
}
