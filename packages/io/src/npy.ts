import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { bytesOf, checkStored, fromHostTensor } from './convert.js';
import { IoError } from './error.js';
import { refuseForeign } from './foreign-file.js';
import {
  byteLengthOf,
  forEachStrided,
  type HostTensor,
  isCount,
  type StoredDType,
  type StoredTensor,
  type StoredType,
  storedTensorKinds,
  storedTypeBytes,
} from './stored.js';

/** Element types by NumPy's names, without the byte order. */
const typeOfCode: Readonly<Record<string, StoredDType>> = {
  b1: 'BOOL',
  u1: 'U8',
  i1: 'I8',
  i2: 'I16',
  u2: 'U16',
  f2: 'F16',
  i4: 'I32',
  u4: 'U32',
  f4: 'F32',
  f8: 'F64',
  i8: 'I64',
  u8: 'U64',
};
const codeOfType = new Map(Object.entries(typeOfCode).map(([code, dtype]) => [dtype, code]));

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/** Longest header in bytes. Real ones have about 100. */
const maximumHeaderBytes = 65_536;

/** Most axes of an array in NumPy. */
const maximumAxes = 64;

/** Header of an `.npy` file. */
export interface NpyHeader extends StoredType {
  /** True if the first axis is the fastest. */
  readonly fortranOrder: boolean;
  readonly bigEndian: boolean;
  /** Position of the data, in bytes from the start of the file. */
  readonly dataStart: number;
}

/**
 * Parses a NumPy `.npy` file in memory. The result is row-major and little-endian. Data in that form are not copied, those in
 * Fortran order or big-endian are converted.
 *
 * @throws IoError if the file is invalid or its element type is not supported (structured, complex, text, objects).
 */
export function parseNpy(bytes: Uint8Array): StoredTensor {
  checkArguments('parseNpy', { bytes }, { bytes: 'Uint8Array' });
  const dataStart = npyDataStart('parseNpy', bytes, bytes.length);
  const header = parseNpyHeader('parseNpy', bytes.subarray(0, dataStart), bytes.length);
  return npyTensor(header, bytesOf(bytes.subarray(dataStart)));
}

/** Tensor of the data of an `.npy` file, row-major and little-endian. Data are copied only if they are converted. */
export function npyTensor({ dtype, shape, fortranOrder, bigEndian }: NpyHeader, data: Uint8Array): StoredTensor {
  const width = storedTypeBytes[dtype];
  const little = bigEndian ? swapBytes(data, width) : data;
  return { dtype, shape, bytes: fortranOrder ? reorder(little, shape, width, 'toRows') : little };
}

/** First bytes of an `.npy` file, which contain the length of its header. */
export const npyPrefixBytes = 12;

/**
 * Position of the data of an `.npy` file of format version 1, 2 or 3, in bytes.
 *
 * @param prefix At least the file's first {@link npyPrefixBytes}. More bytes help to recognise other formats.
 * @param fileBytes Length of the whole file.
 * @throws IoError if it is not such a file, or truncated.
 */
export function npyDataStart(caller: string, prefix: Uint8Array, fileBytes: number): number {
  refuseForeign(caller, 'a NumPy file (.npy)', 'npy', prefix);
  const version = prefix[6] ?? 0;
  if (!magic.every((byte, i) => prefix[i] === byte) || version < 1 || version > 3 || prefix.length < npyPrefixBytes) {
    throw new IoError(
      `${caller}: expected a NumPy file of version 1 to 3, got one of version ${version} or an invalid one. ` +
        'Pass a file that numpy.save wrote.',
    );
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maximumHeaderBytes || start + length > fileBytes) {
    throw new IoError(
      `${caller}: expected a header of at most ${Math.min(maximumHeaderBytes, fileBytes - start)} bytes, got the length ` +
        `${length}. The file is truncated. Copy or download it again.`,
    );
  }
  return start + length;
}

/** Error for an array of an unsupported element type: structured, complex, text, objects, dates. */
export class UnreadArrayError extends IoError {}

/**
 * Parses the header of an `.npy` file.
 *
 * @param head The file up to its data.
 * @param fileBytes Length of the whole file.
 * @throws IoError if it is invalid or does not match the length of the file; {@link UnreadArrayError} for an unsupported
 * element type.
 */
export function parseNpyHeader(caller: string, head: Uint8Array, fileBytes: number): NpyHeader {
  const text = new TextDecoder().decode(head.subarray(head[6] === 1 ? 10 : 12));
  const descr = /'descr'\s*:\s*'([<>|=]?)([a-zA-Z]\d+)'/.exec(text);
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const dimensions = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text);
  const dtype = descr && Object.hasOwn(typeOfCode, descr[2] as string) ? typeOfCode[descr[2] as string] : undefined;
  if (dtype === undefined || fortran === null || dimensions === null) {
    const isArray = text.includes("'descr'") && fortran !== null && dimensions !== null;
    throw new (isArray ? UnreadArrayError : IoError)(
      `${caller}: expected descr (one of ${Object.keys(typeOfCode).join(', ')}), fortran_order and shape in the header, ` +
        `got ${JSON.stringify(text.slice(0, 200).trim())}. Save the array with one of these element types.`,
    );
  }
  const shape = (dimensions[1]?.match(/\d+/g) ?? []).map(Number);
  const size = byteLengthOf({ dtype, shape });
  const dataBytes = fileBytes - head.length;
  if (shape.length > maximumAxes) {
    throw new IoError(`${caller}: expected at most ${maximumAxes} axes, got ${shape.length}. The file is damaged.`);
  }
  if (!shape.every(isCount) || size !== dataBytes) {
    throw new IoError(
      `${caller}: expected ${size ?? 'a countable number of'} bytes of data for ${dtype}[${shape.join(', ')}], ` +
        `got ${dataBytes}. The file is damaged.`,
    );
  }
  const bigEndian = descr?.[1] === '>' && storedTypeBytes[dtype] > 1;
  return { dtype, shape, fortranOrder: fortran[1] === 'True', bigEndian, dataStart: head.length };
}

function swapBytes(data: Uint8Array, width: number): Uint8Array {
  const swapped = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) swapped[i] = data[i - (i % width) + (width - 1 - (i % width))] as number;
  return swapped;
}

/** Copies elements between row-major and Fortran (first axis fastest) order. */
function reorder(data: Uint8Array, shape: readonly number[], width: number, to: 'toRows' | 'toColumns'): Uint8Array {
  const result = new Uint8Array(data.length);
  const strides: number[] = []; // of the Fortran order, in elements
  let stride = 1;
  for (const dimension of shape) {
    strides.push(stride);
    stride *= dimension;
  }
  // `row` and `column` are an element's indices in row-major and in Fortran order.
  forEachStrided(shape, strides, (row, column) => {
    const [from, into] = to === 'toRows' ? [column, row] : [row, column];
    for (let byte = 0; byte < width; byte++) result[into * width + byte] = data[from * width + byte] as number;
  });
  return result;
}

/** Options of {@link formatNpy}. */
export interface NpyOptions {
  /** Writes in Fortran order, with the first axis fastest. */
  readonly fortranOrder?: boolean;
}

export const npyOptionsKinds: KindsOf<NpyOptions> = { 'fortranOrder?': 'boolean' };

/**
 * Formats the header of an `.npy` file (version 1).
 *
 * @throws IoError if NumPy does not have the element type, such as BF16.
 */
export function formatNpyHeader({ dtype, shape }: StoredType, options: NpyOptions = {}): Uint8Array {
  const code = codeOfType.get(dtype);
  if (code === undefined) {
    throw new IoError(
      `formatNpy: expected an element type that NumPy has, got ${dtype}. Convert it with toHostTensor first.`,
    );
  }
  const { fortranOrder = false } = options;
  const order = storedTypeBytes[dtype] === 1 ? '|' : '<';
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${order}${code}', 'fortran_order': ${fortranOrder ? 'True' : 'False'}, 'shape': (${dimensions}), }`;
  const start = Math.ceil((10 + text.length + 1) / 64) * 64; // data at a multiple of 64, as NumPy writes
  if (start - 10 > 0xffff) {
    throw new IoError(`formatNpy: expected a shorter shape, got ${shape.length} dimensions. Reshape the array.`);
  }
  const header = new Uint8Array(start).fill(0x20);
  header.set([...magic, 1, 0, (start - 10) & 0xff, (start - 10) >> 8]);
  header.set(new TextEncoder().encode(text), 10);
  header[start - 1] = 0x0a;
  return header;
}

/**
 * Formats a NumPy `.npy` file (version 1) in memory.
 *
 * @throws IoError if data and shape do not match, or NumPy does not have the element type, such as BF16.
 */
export function formatNpy(tensor: HostTensor | StoredTensor, options: NpyOptions = {}): Uint8Array {
  checkArguments(
    'formatNpy',
    { tensor, options },
    { tensor: ['HostTensor', storedTensorKinds], 'options?': npyOptionsKinds },
  );
  const stored = 'bytes' in tensor ? tensor : fromHostTensor(tensor);
  checkStored('formatNpy', stored, 'the tensor');
  const { dtype, shape, bytes } = stored;
  const header = formatNpyHeader(stored, options);
  const file = new Uint8Array(header.length + bytes.length);
  file.set(header);
  file.set(options.fortranOrder ? reorder(bytes, shape, storedTypeBytes[dtype], 'toColumns') : bytes, header.length);
  return file;
}
