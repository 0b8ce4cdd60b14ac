// AssemblyScript. `npm run kernels` compiles it to src/kernels/philox.wasm.ts.

/** Elements of a mask that memory holds, a byte each, from address 0. */
export const maskCapacity: u32 = 8192;

/** Weights that memory holds instead, float32, from address 0. */
export const weightCapacity: u32 = 16384;

/** Words 0 to 3 of four blocks of Philox4x32-10, block b in lane b. */
let words0 = i32x4.splat(0);
let words1 = i32x4.splat(0);
let words2 = i32x4.splat(0);
let words3 = i32x4.splat(0);

/** Computes {@link words0} to {@link words3} from block number `block` on; the counter of a block is (low, high, 0, 0). */
function philox(block: u64, key0: u32, key1: u32): void {
  const multiplier0 = i32x4.splat(0xd2511f53);
  const multiplier1 = i32x4.splat(0xcd9e8d57);
  const first = i32x4.splat(i32(block));
  let c0 = i32x4.add(first, i32x4(0, 1, 2, 3));
  // A comparison that holds is -1: the carry.
  let c1 = i32x4.sub(i32x4.splat(i32(block >> 32)), i32x4.lt_u(c0, first));
  let c2 = i32x4.splat(0);
  let c3 = i32x4.splat(0);
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const a = i64x2.extmul_low_i32x4_u(c0, multiplier0);
    const b = i64x2.extmul_high_i32x4_u(c0, multiplier0);
    const c = i64x2.extmul_low_i32x4_u(c2, multiplier1);
    const d = i64x2.extmul_high_i32x4_u(c2, multiplier1);
    c0 = v128.xor(v128.xor(upperWords(c, d), c1), i32x4.splat(k0));
    c1 = lowerWords(c, d);
    c2 = v128.xor(v128.xor(upperWords(a, b), c3), i32x4.splat(k1));
    c3 = lowerWords(a, b);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  words0 = c0;
  words1 = c1;
  words2 = c2;
  words3 = c3;
}

/**
 * Fills a mask with 0 and 1, a byte for each element: eight for each block of Philox4x32-10, of which element i takes 16 bits, the low
 * half of a word before the high one.
 * @param count Elements, rounded up to a multiple of 32; at most {@link maskCapacity}.
 * @param blockLow Number of the first block, lower and upper word; the counter of a block is (low, high, 0, 0).
 * @param last An element is 1 if its 16 bits are at most this.
 */
export function keepMask(count: u32, blockLow: u32, blockHigh: u32, key0: u32, key1: u32, last: u32): void {
  const limit = i16x8.splat(i16(last));
  const one = i8x16.splat(1);
  let block = (u64(blockHigh) << 32) | u64(blockLow);
  for (let at: usize = 0; at < usize(count); at += 32) {
    philox(block, key0, key1);
    // Bytes in pairs, one pair a word: word 0 of the four blocks, then word 1; words 2 and 3 likewise.
    const words01 = v128.and(i8x16.narrow_i16x8_s(i16x8.le_u(words0, limit), i16x8.le_u(words1, limit)), one);
    const words23 = v128.and(i8x16.narrow_i16x8_s(i16x8.le_u(words2, limit), i16x8.le_u(words3, limit)), one);
    v128.store(at, i8x16.shuffle(words01, words23, 0, 1, 8, 9, 16, 17, 24, 25, 2, 3, 10, 11, 18, 19, 26, 27));
    v128.store(at, i8x16.shuffle(words01, words23, 4, 5, 12, 13, 20, 21, 28, 29, 6, 7, 14, 15, 22, 23, 30, 31), 16);
    block += 4;
  }
}

/** Weight and word of the last result of {@link nextCandidate}. */
export let weight: f32 = 0;
export let word: u32 = 0;

/**
 * Place of the next weight p, float32 in memory, that exceeds `bound` t. The number t in [0, 1) is the weight's word of the
 * stream divided by 2^32, rounded to float32: word `place % 4` of the block that lies `place / 4` after the first.
 * @param from First place that is looked at.
 * @param count Weights, a multiple of 16; at most {@link weightCapacity}.
 * @param blockLow Number of the first block, lower and upper word.
 * @returns The count if there is none.
 */
export function nextCandidate(
  from: u32,
  count: u32,
  blockLow: u32,
  blockHigh: u32,
  key0: u32,
  key1: u32,
  bound: f32,
): u32 {
  const bounds = f32x4.splat(bound);
  const firstBlock = (u64(blockHigh) << 32) | u64(blockLow);
  for (let start = from & ~15; start < count; start += 16) {
    philox(firstBlock + u64(start >> 2), key0, key1);
    const at = usize(start) << 2;
    // Rows of blocks become columns of words: block b in register b.
    const low01 = i8x16.shuffle(words0, words1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const high01 = i8x16.shuffle(words0, words1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    const low23 = i8x16.shuffle(words2, words3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const high23 = i8x16.shuffle(words2, words3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    const block0 = i64x2.shuffle(low01, low23, 0, 2);
    const block1 = i64x2.shuffle(low01, low23, 1, 3);
    const block2 = i64x2.shuffle(high01, high23, 0, 2);
    const block3 = i64x2.shuffle(high01, high23, 1, 3);
    const above =
      exceeding(at, block0, bounds) |
      (exceeding(at + 16, block1, bounds) << 4) |
      (exceeding(at + 32, block2, bounds) << 8) |
      (exceeding(at + 48, block3, bounds) << 12);
    const left = start < from ? above & (0xffff << (from - start)) : above;
    if (left === 0) continue;
    const lane = ctz(left);
    const scratch = usize(weightCapacity) << 2;
    v128.store(scratch, block0);
    v128.store(scratch, block1, 16);
    v128.store(scratch, block2, 32);
    v128.store(scratch, block3, 48);
    word = load<u32>(scratch + (usize(lane) << 2));
    weight = load<f32>(at + (usize(lane) << 2));
    return start + lane;
  }
  return count;
}

/** Bit i: whether weight i of four at an address exceeds its bound times its number t. */
function exceeding(at: usize, words: v128, bounds: v128): u32 {
  const t = f32x4.mul(f32x4.convert_i32x4_u(words), f32x4.splat(f32(1.0 / 4294967296.0)));
  return i32x4.bitmask(f32x4.gt(v128.load(at), f32x4.mul(t, bounds)));
}

/**
 * Sum of the weights in memory.
 * @param count Weights, a multiple of 16; at most {@link weightCapacity}.
 */
export function total(count: u32): f32 {
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  for (let at: usize = 0; at < usize(count) << 2; at += 32) {
    a = f32x4.add(a, v128.load(at));
    b = f32x4.add(b, v128.load(at, 16));
  }
  a = f32x4.add(a, b);
  return f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3);
}

/** Lower halves of four products of 64 bits. */
function lowerWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}

/** Upper halves of four products of 64 bits. */
function upperWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}
