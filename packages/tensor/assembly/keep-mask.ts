// AssemblyScript. `npm run kernels` compiles it to src/kernels/keep-mask.wasm.ts.

/** Elements of the mask that memory holds, a byte each, from address 0. */
export const capacity: u32 = 8192;

/**
 * Fills a mask with 0 and 1: eight elements for each block of Philox4x32-10, of which element i takes 16 bits, the low
 * half of a word before the high one. Four blocks are computed at a time, block b in lane b.
 * @param count Elements, rounded up to a multiple of 32; at most the capacity.
 * @param blockLow Number of the first block, lower and upper word; the counter of a block is (low, high, 0, 0).
 * @param last An element is 1 if its 16 bits are at most this.
 */
export function keepMask(count: u32, blockLow: u32, blockHigh: u32, key0: u32, key1: u32, last: u32): void {
  const multiplier0 = i32x4.splat(0xd2511f53);
  const multiplier1 = i32x4.splat(0xcd9e8d57);
  const limit = i16x8.splat(i16(last));
  const one = i8x16.splat(1);
  let block = (u64(blockHigh) << 32) | u64(blockLow);
  for (let at: usize = 0; at < usize(count); at += 32) {
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
    // Bytes in pairs, one pair a word: word 0 of the four blocks, then word 1; words 2 and 3 likewise.
    const words01 = v128.and(i8x16.narrow_i16x8_s(i16x8.le_u(c0, limit), i16x8.le_u(c1, limit)), one);
    const words23 = v128.and(i8x16.narrow_i16x8_s(i16x8.le_u(c2, limit), i16x8.le_u(c3, limit)), one);
    v128.store(at, i8x16.shuffle(words01, words23, 0, 1, 8, 9, 16, 17, 24, 25, 2, 3, 10, 11, 18, 19, 26, 27));
    v128.store(at, i8x16.shuffle(words01, words23, 4, 5, 12, 13, 20, 21, 28, 29, 6, 7, 14, 15, 22, 23, 30, 31), 16);
    block += 4;
  }
}

/** Lower halves of four products of 64 bits. */
function lowerWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}

/** Upper halves of four products of 64 bits. */
function upperWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}
