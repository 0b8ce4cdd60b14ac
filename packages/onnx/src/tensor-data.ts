import { DparError, float32, type HostTensor, hostTensor, int32, sizeOf } from '@dpar/tensor';
import type { OnnxConstant, StoredTensor } from './model.js';

/** Element type of ONNX: its name, its bytes, and a reader of element i. */
interface ElementType {
  readonly name: string;
  readonly dtype: HostTensor['dtype'];
  readonly bytes: number;
  read(view: DataView, byte: number): number;
  /** Value of an element in the fields of numbers, where types of less than 32 bits are stored as whole numbers. */
  ofNumber?(value: number): number;
}

/** Half precision to a number (IEEE 754 binary16). */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

const word = new DataView(new ArrayBuffer(4));

/** bfloat16 to a number: the upper half of a float32. */
function brain(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

/** Indices beyond int32 mean 'to the end' or 'from the start' in slices. */
export function clampToInt32(value: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
}

/** Element types by their numbers in the ONNX specification (TensorProto.DataType). */
const elementTypes: Readonly<Record<number, ElementType>> = {
  1: { name: 'float32', dtype: 'float32', bytes: 4, read: (view, i) => view.getFloat32(i, true) },
  2: { name: 'uint8', dtype: 'int32', bytes: 1, read: (view, i) => view.getUint8(i) },
  3: { name: 'int8', dtype: 'int32', bytes: 1, read: (view, i) => view.getInt8(i) },
  4: { name: 'uint16', dtype: 'int32', bytes: 2, read: (view, i) => view.getUint16(i, true) },
  5: { name: 'int16', dtype: 'int32', bytes: 2, read: (view, i) => view.getInt16(i, true) },
  6: { name: 'int32', dtype: 'int32', bytes: 4, read: (view, i) => view.getInt32(i, true) },
  7: { name: 'int64', dtype: 'int32', bytes: 8, read: (view, i) => Number(view.getBigInt64(i, true)) },
  9: { name: 'bool', dtype: 'bool', bytes: 1, read: (view, i) => view.getUint8(i) },
  10: { name: 'float16', dtype: 'float32', bytes: 2, read: (view, i) => half(view.getUint16(i, true)), ofNumber: half },
  11: { name: 'float64', dtype: 'float32', bytes: 8, read: (view, i) => view.getFloat64(i, true) },
  12: { name: 'uint32', dtype: 'int32', bytes: 4, read: (view, i) => view.getUint32(i, true) },
  13: { name: 'uint64', dtype: 'int32', bytes: 8, read: (view, i) => Number(view.getBigUint64(i, true)) },
  16: {
    name: 'bfloat16',
    dtype: 'float32',
    bytes: 2,
    read: (view, i) => brain(view.getUint16(i, true)),
    ofNumber: brain,
  },
};

/** Name of an element type by its number. */
export function elementTypeName(type: number): string {
  return elementTypes[type]?.name ?? `type ${type}`;
}

/**
 * Element type over `Ops` that holds an ONNX element type: float32 for all floats, int32 for all whole numbers.
 * @returns Undefined for text, complex numbers and other types.
 */
export function hostTypeOf(type: number): HostTensor['dtype'] | undefined {
  return elementTypes[type]?.dtype;
}

/** Contents of files of external data, by the location that the ONNX file names. */
export type ExternalFiles = Readonly<Record<string, Uint8Array>>;

/**
 * Converts a stored tensor. Floats of all widths become float32. Whole numbers become int32, clamped to its range.
 * @param files Contents of files of external data, by location.
 */
export function constantOf(stored: StoredTensor, files: ExternalFiles): OnnxConstant {
  const type = elementTypes[stored.type];
  if (type === undefined) return { unreadable: `elements of ${elementTypeName(stored.type)}` };
  const size = sizeOf(stored.shape);
  const raw = stored.external === undefined ? stored.raw : externalBytes(stored, size * type.bytes, files);
  if (typeof raw === 'string') return { unreadable: raw };
  const found = raw === undefined ? stored.numbers.length : raw.byteLength / type.bytes;
  if (found !== size) {
    throw new DparError(
      `readOnnxNetwork: expected ${size} elements of ${type.name} in the tensor '${stored.name}', got ${found}. ` +
        'The file is damaged: export it again.',
    );
  }
  if (raw !== undefined) return { value: fromBytes(raw, stored, type) };
  const { ofNumber } = type;
  return { value: toHost(type, stored, ofNumber ? stored.numbers.map(ofNumber) : stored.numbers) };
}

function externalBytes({ external }: StoredTensor, bytes: number, files: ExternalFiles): Uint8Array | string {
  const { location = '', offset = 0, length = bytes } = external ?? {};
  const file = Object.hasOwn(files, location) ? files[location] : undefined;
  if (file === undefined) return `its data in the file '${location}', which was not passed as external data`;
  if (offset + length > file.byteLength) return `${length} bytes at ${offset} of '${location}', which has fewer`;
  return file.subarray(offset, offset + length);
}

function fromBytes(raw: Uint8Array, { shape }: StoredTensor, type: ElementType): HostTensor {
  const size = raw.byteLength / type.bytes;
  if (type.name === 'float32') {
    // A copy is aligned, and lets go of the file. (`slice` of a Buffer would be a view.)
    return float32(shape, new Float32Array(new Uint8Array(raw).buffer, 0, size));
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const values = Array.from({ length: size }, (_, i) => type.read(view, i * type.bytes));
  return toHost(type, { shape }, values);
}

function toHost({ dtype }: ElementType, { shape }: Pick<StoredTensor, 'shape'>, values: readonly number[]): HostTensor {
  return dtype === 'int32' ? int32(shape, values.map(clampToInt32)) : hostTensor(dtype, shape, values);
}
