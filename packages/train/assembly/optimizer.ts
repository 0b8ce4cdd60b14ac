// AssemblyScript. `npm run kernels` compiles it to src/kernels/optimizer.wasm.ts.

/**
 * Elements of each array that memory holds: a multiple of 8. All five arrays take 160 KiB, and with what they are copied
 * from 320 KiB, so that they stay in the second-level cache. From 6144 to 32768 elements make no difference.
 */
export const capacity: u32 = 8192;

const bytes: usize = usize(capacity) * 4;

/** Addresses of the arrays, float32. */
export const parameter: usize = 0;
export const gradient: usize = bytes;
export const first: usize = 2 * bytes;
export const second: usize = 3 * bytes;
export const average: usize = 4 * bytes;
/** Address of eight sums, float64. */
export const sums: usize = 5 * bytes;

/** One update of parameter, first and second moment by AdamW. Every operation rounds to float32. */
export function adamw(
  count: u32,
  gradientScale: f32,
  rate1: f32,
  beta2: f32,
  rate2: f32,
  keep: f32,
  stepSize: f32,
  epsilon: f32,
): void {
  // What does not change is made before the loop: compilers leave it where it stands.
  const near = isNear(rate1);
  const share1 = nearerShare(rate1);
  const gradientScales = f32x4.splat(gradientScale);
  const betas2 = f32x4.splat(beta2);
  const rates2 = f32x4.splat(rate2);
  const keeps = f32x4.splat(keep);
  const stepSizes = f32x4.splat(stepSize);
  const epsilons = f32x4.splat(epsilon);
  for (let i: usize = 0; i < usize(count) * 4; i += 16) {
    const g = f32x4.mul(v128.load(gradient + i), gradientScales);
    const m = lerp(v128.load(first + i), g, share1, near);
    const decayed = f32x4.mul(v128.load(second + i), betas2);
    const v = f32x4.add(decayed, f32x4.mul(f32x4.mul(rates2, g), g));
    v128.store(first + i, m);
    v128.store(second + i, v);
    const divisor = f32x4.add(f32x4.sqrt(v), epsilons);
    const step = f32x4.div(f32x4.mul(stepSizes, m), divisor);
    v128.store(parameter + i, f32x4.sub(f32x4.mul(v128.load(parameter + i), keeps), step));
  }
}

/** average = average + rate (parameter - average) */
export function updateAverage(count: u32, rate: f32): void {
  const near = isNear(rate);
  const share = nearerShare(rate);
  for (let i: usize = 0; i < usize(count) * 4; i += 16) {
    v128.store(average + i, lerp(v128.load(average + i), v128.load(parameter + i), share, near));
  }
}

/** parameter = parameter + scale gradient */
export function addScaled(count: u32, scale: f32): void {
  const scales = f32x4.splat(scale);
  for (let i: usize = 0; i < usize(count) * 4; i += 16) {
    v128.store(parameter + i, f32x4.add(v128.load(parameter + i), f32x4.mul(scales, v128.load(gradient + i))));
  }
}

/**
 * Adds the squares of the gradient's elements to the sums, in double precision: element i to sum i mod 8.
 * @param count A multiple of 8.
 */
export function addSquares(count: u32): void {
  let a = v128.load(sums);
  let b = v128.load(sums, 16);
  let c = v128.load(sums, 32);
  let d = v128.load(sums, 48);
  for (let i: usize = gradient; i < gradient + usize(count) * 4; i += 32) {
    a = addSquaresOfTwo(a, v128.load64_zero(i));
    b = addSquaresOfTwo(b, v128.load64_zero(i, 8));
    c = addSquaresOfTwo(c, v128.load64_zero(i, 16));
    d = addSquaresOfTwo(d, v128.load64_zero(i, 24));
  }
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums, c, 32);
  v128.store(sums, d, 48);
}

function addSquaresOfTwo(sum: v128, lowFloats: v128): v128 {
  const x = f64x2.promote_low_f32x4(lowFloats);
  return f64x2.add(sum, f64x2.mul(x, x));
}

/** from + weight (to - from), computed from the nearer end, as torch.lerp does. */
function lerp(from: v128, to: v128, share: v128, near: v128): v128 {
  const nearer = v128.bitselect(from, to, near);
  return f32x4.add(nearer, f32x4.mul(share, f32x4.sub(v128.bitselect(to, from, near), nearer)));
}

/** All bits set if `from` is the nearer end at that weight. */
function isNear(weight: f32): v128 {
  return i32x4.splat(weight < 0.5 ? -1 : 0);
}

/** How far from the nearer end lerp goes. */
function nearerShare(weight: f32): v128 {
  return f32x4.splat(weight < 0.5 ? weight : 1 - weight);
}
