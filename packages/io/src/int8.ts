import { checkArguments } from './check-arguments.js';
import { bytesOf, checkStored, toHostTensor } from './convert.js';
import { IoError } from './error.js';
import { formatStoredType, type HostTensor, type StoredTensor, type StoredType } from './stored.js';

/** Suffix of the name of a matrix's scales. */
const suffix = '.scale';

/** Largest code. The code -128 is unused, so codes are symmetric around zero. */
const largest = 127;

/**
 * Quantizes float32 matrices to 8-bit whole numbers with a scale per row, a quarter of the file size. A matrix [N, K] becomes I8
 * [N, K] under its name and F32 [N] under its name with `.scale`. Element (n, k) is scale[n] times its code, with an error of at
 * most half a scale. Kernels of convolutions [N, ...] are matrices whose rows are the output channels. Vectors and tensors of other
 * types are unchanged. {@link toHostTensors} and `readCheckpoint` restore such matrices.
 *
 * @throws IoError if a matrix holds a number that is not finite.
 */
export function int8Weights(tensors: Readonly<Record<string, HostTensor>>): Record<string, HostTensor | StoredTensor> {
  checkArguments('int8Weights', { tensors }, { tensors: 'object' });
  const result: Record<string, HostTensor | StoredTensor> = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.dtype !== 'float32' || tensor.shape.length < 2) {
      result[name] = tensor;
      continue;
    }
    const { rows, columns } = matrixOf(tensor.shape);
    const scales = new Float32Array(rows);
    const codes = new Int8Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const values = tensor.data.subarray(row * columns, (row + 1) * columns) as Float32Array;
      const extreme = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      if (!Number.isFinite(extreme)) {
        throw new IoError(
          `int8Weights: expected finite numbers in '${name}', got ${extreme} in row ${row}. Train again.`,
        );
      }
      if (extreme === 0) continue;
      const scale = Math.fround(extreme / largest);
      scales[row] = scale;
      for (let k = 0; k < columns; k++) codes[row * columns + k] = Math.round((values[k] as number) / scale);
    }
    result[name] = { dtype: 'I8', shape: [...tensor.shape], bytes: bytesOf(codes) };
    result[`${name}${suffix}`] = { dtype: 'F32', shape: [rows], bytes: bytesOf(scales) };
  }
  return result;
}

/** Name of the scales of a matrix of {@link int8Weights}. Undefined for other tensors. */
export function scalesOf(name: string, types: ReadonlyMap<string, StoredType>): string | undefined {
  const [matrix, scales] = [types.get(name), types.get(`${name}${suffix}`)];
  const fit =
    matrix?.dtype === 'I8' &&
    matrix.shape.length >= 2 &&
    scales?.dtype === 'F32' &&
    scales.shape.length === 1 &&
    scales.shape[0] === matrix.shape[0];
  return fit ? `${name}${suffix}` : undefined;
}

/** Checks that a tensor holds the scales of another one. */
export function areScales(name: string, types: ReadonlyMap<string, StoredType>): boolean {
  return name.endsWith(suffix) && scalesOf(name.slice(0, -suffix.length), types) !== undefined;
}

/** Rows of a matrix, or output channels of a kernel, and numbers of each. */
export function matrixOf([rows = 0, ...others]: readonly number[]): {
  readonly rows: number;
  readonly columns: number;
} {
  return { rows, columns: others.reduce((product, size) => product * size, 1) };
}

/** Restores the float32 matrix [N, ...] from codes I8 [N, ...] and scales F32 [N]. */
export function fromInt8(codes: StoredTensor, scales: StoredTensor, name: string): HostTensor {
  checkStored('fromInt8', codes, name);
  const { rows, columns } = matrixOf(codes.shape);
  const factors = toHostTensor(scales, `${name}${suffix}`).data;
  if (codes.dtype !== 'I8' || factors.length !== rows) {
    throw new IoError(
      `fromInt8: expected I8 [N, ...] with scales [N], got ${formatStoredType(codes)} and ${formatStoredType(scales)}. Write them with int8Weights.`,
    );
  }
  const values = new Int8Array(codes.bytes.buffer, codes.bytes.byteOffset, codes.bytes.byteLength);
  const data = new Float32Array(rows * columns);
  for (let row = 0, i = 0; row < rows; row++) {
    const factor = factors[row] as number;
    for (const end = i + columns; i < end; i++) data[i] = (values[i] as number) * factor;
  }
  return { dtype: 'float32', shape: [...codes.shape], data };
}

/**
 * Converts all tensors of a file to host tensors with {@link toHostTensor}. Matrices of {@link int8Weights} become float32. The
 * record has no prototype, so a missing name is always undefined.
 * @throws IoError for a value that host tensors cannot hold.
 */
export function toHostTensors(tensors: ReadonlyMap<string, StoredTensor>): Record<string, HostTensor> {
  checkArguments('toHostTensors', { tensors }, { tensors: 'Map' });
  const record: Record<string, HostTensor> = Object.create(null);
  for (const [name, stored] of tensors) {
    if (areScales(name, tensors)) continue;
    const scales = tensors.get(scalesOf(name, tensors) ?? '');
    record[name] = scales ? fromInt8(stored, scales, `'${name}'`) : toHostTensor(stored, `'${name}'`);
  }
  return record;
}
