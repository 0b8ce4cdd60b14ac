import type { createRandom } from '@dpar/tensor';

type Random = ReturnType<typeof createRandom>;

/** Values that lengths, counts and offsets are compared with: around powers of two, and beyond what fits. */
const telling = [
  0n,
  1n,
  7n,
  255n,
  256n,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 33n,
  (1n << 53n) - 1n,
];
const widest = [...telling, 1n << 53n, (1n << 63n) - 1n, (1n << 64n) - 1n];
const numerals = [
  '0',
  '1',
  '-1',
  '7',
  '255',
  '65536',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '1e9',
  '1e400',
  '0.5',
];

/** A file with one to four places changed: bytes, numbers, text, pieces cut out, put in or moved, or its end cut off. */
export function mutated(file: Uint8Array, random: Random): Uint8Array {
  let bytes = new Uint8Array(file);
  for (let changes = 1 + random.integer(4); changes > 0; changes--) bytes = changed(bytes, random);
  return bytes;
}

function changed(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  if (bytes.length < 16) return Uint8Array.of(...bytes, random.integer(256));
  const at = random.integer(bytes.length);
  const piece = bytes.slice(at, at + random.integer(64));
  const view = new DataView(bytes.buffer);
  switch (random.integer(12)) {
    case 0:
      bytes.fill(random.integer(2) * 255, at, at + 1 + random.integer(8));
      return bytes;
    case 1:
      return bytes.slice(0, at);
    case 2: // in again
      return spliced(bytes, random.integer(bytes.length), 0, piece);
    case 3: // out
      return spliced(bytes, at, piece.length, new Uint8Array(0));
    case 4: // over another place
      bytes.set(piece, Math.min(random.integer(bytes.length), bytes.length - piece.length));
      return bytes;
    case 5:
      view.setUint16(
        Math.min(at, bytes.length - 2),
        Number(BigInt.asUintN(16, telling[random.integer(telling.length)] as bigint)),
        true,
      );
      return bytes;
    case 6:
      view.setUint32(
        Math.min(at, bytes.length - 4),
        Number(BigInt.asUintN(32, telling[random.integer(telling.length)] as bigint)),
        true,
      );
      return bytes;
    case 7:
      view.setBigUint64(Math.min(at, bytes.length - 8), widest[random.integer(widest.length)] as bigint, true);
      return bytes;
    case 8: {
      const start = numeralFrom(bytes, at);
      let end = start;
      while (isDigit(bytes[end])) end++;
      const numeral = new TextEncoder().encode(numerals[random.integer(numerals.length)]);
      return spliced(bytes, start, end - start, numeral);
    }
    default:
      bytes[at] = random.integer(256);
      return bytes;
  }
}

function spliced(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length - removed + added.length);
  result.set(bytes.subarray(0, at));
  result.set(added, at);
  result.set(bytes.subarray(at + removed), at + added.length);
  return result;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Offset of the next number in text; `at` without one. */
function numeralFrom(bytes: Uint8Array, at: number): number {
  const found = bytes.findIndex((byte, i) => i >= at && isDigit(byte));
  return found < 0 ? at : found;
}
