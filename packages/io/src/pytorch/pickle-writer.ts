import { IoError } from '../error.js';
import type { StoredDType, StoredType } from '../stored.js';
import { rowMajorStrides } from './layout.js';
import { storageClasses } from './values.js';

/** Deepest nesting. It also stops at values that contain themselves. */
const maximumDepth = 100;

/** Opcodes of pickle protocol 2 that are written. `torch.load(weights_only=True)` accepts all of them. */
const op = {
  proto: 0x80,
  stop: 0x2e,
  mark: 0x28,
  none: 0x4e,
  true: 0x88,
  false: 0x89,
  int1: 0x4b,
  int2: 0x4d,
  int4: 0x4a,
  long1: 0x8a,
  float: 0x47,
  text: 0x58,
  emptyTuple: 0x29,
  tuple: 0x74,
  emptyList: 0x5d,
  appends: 0x65,
  emptyDict: 0x7d,
  setItems: 0x75,
  global: 0x63,
  persistentId: 0x51,
  reduce: 0x52,
} as const;

/** Writes a pickle of protocol 2 value by value. */
export class PickleWriter {
  private bytes = new Uint8Array(1 << 12);
  private length = 0;

  constructor() {
    this.opcode('proto');
    this.byte(2);
  }

  /** Ends the pickle and returns it. */
  finish(): Uint8Array {
    this.opcode('stop');
    return this.bytes.subarray(0, this.length);
  }

  /** Writes a primitive value. @throws IoError for a whole number of more than 255 bytes. */
  scalar(value: null | boolean | number | bigint | string): void {
    if (value === null) this.opcode('none');
    else if (typeof value === 'boolean') this.opcode(value ? 'true' : 'false');
    else if (typeof value === 'string') this.text(value);
    else if (typeof value === 'bigint') this.long(value);
    else if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.float(value);
    else if (value >= 0 && value <= 0xff) this.number('int1', 1, value);
    else if (value >= 0 && value <= 0xffff) this.number('int2', 2, value);
    else if (value === (value | 0)) this.number('int4', 4, value);
    else this.long(BigInt(value));
  }

  /** Writes a list or a tuple. `write` writes an item. */
  sequence<V>(items: readonly V[], kind: 'list' | 'tuple', write: (item: V) => void): void {
    if (kind === 'list') this.opcode('emptyList');
    this.opcode('mark');
    for (const item of items) write(item);
    this.opcode(kind === 'list' ? 'appends' : 'tuple');
  }

  /** Writes a dict. `write` writes a key and its value. */
  dict<E>(entries: Iterable<E>, write: (entry: E) => void): void {
    this.opcode('emptyDict');
    this.opcode('mark');
    for (const entry of entries) write(entry);
    this.opcode('setItems');
  }

  /** Writes a row-major tensor of a whole storage. @throws IoError if PyTorch has no storage of its element type. */
  tensor({ dtype, shape }: StoredType, key: string): void {
    const numbers = (values: readonly number[]): void => this.sequence(values, 'tuple', (value) => this.scalar(value));
    this.global('torch._utils', '_rebuild_tensor_v2');
    this.opcode('mark');
    this.opcode('mark');
    this.text('storage');
    this.global('torch', storageClassOf(dtype));
    this.text(key);
    this.text('cpu');
    this.scalar(shape.reduce((product, size) => product * size, 1));
    this.opcode('tuple');
    this.opcode('persistentId');
    this.scalar(0); // offset
    numbers(shape);
    numbers(rowMajorStrides(shape));
    this.scalar(false); // requires no gradient
    this.global('collections', 'OrderedDict'); // no hooks
    this.opcode('emptyTuple');
    this.opcode('reduce');
    this.opcode('tuple');
    this.opcode('reduce');
  }

  private global(module: string, name: string): void {
    this.opcode('global');
    this.append(new TextEncoder().encode(`${module}\n${name}\n`));
  }

  private text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.number('text', 4, bytes.length);
    this.append(bytes);
  }

  private float(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, false);
    this.opcode('float');
    this.append(bytes);
  }

  private long(value: bigint): void {
    let count = 1;
    while (BigInt.asIntN(8 * count, value) !== value) count++;
    if (count > 255) {
      throw new IoError(
        `PickleWriter: expected whole numbers of at most 255 bytes, got one of ${count}. Pass it as text.`,
      );
    }
    this.number('long1', 1, count);
    for (let i = 0; i < count; i++) this.byte(Number(BigInt.asUintN(8, value >> BigInt(8 * i))));
  }

  /** Writes an opcode and a little-endian number. */
  private number(opcode: keyof typeof op, width: 1 | 2 | 4, value: number): void {
    this.opcode(opcode);
    for (let i = 0; i < width; i++) this.byte((value >> (8 * i)) & 0xff);
  }

  private opcode(name: keyof typeof op): void {
    this.byte(op[name]);
  }

  private byte(value: number): void {
    this.append(Uint8Array.of(value));
  }

  private append(bytes: Uint8Array): void {
    const end = this.length + bytes.length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.bytes.length));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(bytes, this.length);
    this.length = end;
  }
}

function storageClassOf(dtype: StoredDType): string {
  const known: Partial<Record<StoredDType, string>> = storageClasses;
  const name = known[dtype];
  if (name === undefined) {
    throw new IoError(
      `formatPyTorch: expected an element type of ${Object.keys(storageClasses).join(', ')}, got ${dtype}. Convert the tensor.`,
    );
  }
  return name;
}

/** @throws IoError beyond the deepest nesting. */
export function checkDepth(depth: number): void {
  if (depth > maximumDepth) {
    throw new IoError(
      `formatPyTorch: expected values nested at most ${maximumDepth} deep, got depth ${depth}. Check that no value contains itself.`,
    );
  }
}
