import { IoError } from '../error.js';

/** Longest pickle in bytes. Those of real checkpoints, without the data, have at most a few million. */
export const maximumPickleBytes = 1 << 26;

/** Most bytes of a whole number. */
const maximumNumberBytes = 256;

/** Error for a pickle that exceeds the available bytes. */
export class CutOffError extends IoError {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder('latin1');

/** Reads the parts of a pickle one after the other. All methods throw {@link CutOffError} at the end of the bytes. */
export class PickleCursor {
  private readonly view: DataView;

  constructor(
    readonly caller: string,
    private readonly bytes: Uint8Array,
    /** Position of the next byte. */
    public position: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  byte(): number {
    return this.bytes[this.skip(1)] as number;
  }

  /** Reads a view of the next bytes. */
  take(count: number): Uint8Array {
    const at = this.skip(count);
    return this.bytes.subarray(at, at + count);
  }

  /** Reads a length or index of 1, 2, 4 or 8 bytes. */
  length(width: 1 | 2 | 4 | 8): number {
    const at = this.skip(width);
    if (width === 1) return this.view.getUint8(at);
    if (width === 2) return this.view.getUint16(at, true);
    if (width === 4) return this.view.getUint32(at, true);
    const value = this.view.getBigUint64(at, true);
    if (value > maximumPickleBytes) throw this.damaged(`lengths of at most ${maximumPickleBytes}`, `${value}`);
    return Number(value);
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  /** Reads 8 bytes, big-endian. */
  float64(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  /** Reads a whole number of `count` bytes, little-endian, two's complement. */
  long(count: number): number | bigint {
    if (count > maximumNumberBytes) {
      throw this.damaged(`whole numbers of at most ${maximumNumberBytes} bytes`, `one of ${count}`);
    }
    const digits = Array.from(this.take(count), (byte) => byte.toString(16).padStart(2, '0'));
    const value = BigInt.asIntN(8 * count, BigInt(`0x0${digits.reverse().join('')}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** Reads UTF-8 text after its length of `width` bytes. */
  text(width: 1 | 4 | 8): string {
    return this.decode(this.take(this.length(width)));
  }

  /** Reads text of Python 2, of characters 0 to 255, after its length. */
  latin1(width: 1 | 4): string {
    return latin1.decode(this.take(this.length(width)));
  }

  /** Reads text up to the end of the line. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    const line = this.take((end < 0 ? this.bytes.length : end) - this.position);
    this.skip(1);
    return this.decode(line);
  }

  damaged(expected: string, got: string): IoError {
    return new IoError(`${this.caller}: expected ${expected}, got ${got}. The file is damaged or not of PyTorch.`);
  }

  /** Skips the next `count` bytes. @returns Their position. */
  private skip(count: number): number {
    const at = this.position;
    if (count > this.bytes.length - at) {
      throw new CutOffError(
        `${this.caller}: expected a complete pickle, got one that exceeds its ${this.bytes.length} bytes. The file is truncated.`,
      );
    }
    this.position += count;
    return at;
  }

  private decode(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.damaged('text in UTF-8', 'invalid bytes');
    }
  }
}
