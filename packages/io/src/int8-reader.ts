import { checkArguments } from './check-arguments.js';
import { bytesOf } from './convert.js';
import { areScales, fromInt8, matrixOf, scalesOf } from './int8.js';
import type { SafetensorsReader } from './safetensors-reader.js';
import type { StoredTensor, StoredType } from './stored.js';

/** Bytes of a piece of `chunks`, or a row if that is longer. */
const pieceBytes = 2 ** 20;

/**
 * Wraps an open file so that matrices of `int8Weights` are read as F32, row by row. Their scales are not listed as tensors. Other
 * tensors are unchanged. `notes` contains the number of such matrices. Closing the wrapper closes the file.
 *
 * @returns The file itself if it has no such matrix.
 */
export function dequantized(file: SafetensorsReader): SafetensorsReader {
  checkArguments('dequantized', { file }, { file: { names: 'string[]', types: 'Map', read: 'function', '*': 'any' } });
  const rounded = file.names.filter((name) => scalesOf(name, file.types) !== undefined);
  if (rounded.length === 0) return file;
  const matrices = new Set(rounded);
  const names = file.names.filter((name) => !areScales(name, file.types));
  const types = new Map<string, StoredType>();
  for (const name of names) {
    const { dtype, shape } = file.types.get(name) as StoredType;
    types.set(name, { dtype: matrices.has(name) ? 'F32' : dtype, shape });
  }

  /** Reads rows `first` to `first + count - 1` of a matrix as F32. */
  const rowsOf = async (name: string, first: number, count: number): Promise<StoredTensor> => {
    const { shape = [] } = types.get(name) ?? {};
    const { columns } = matrixOf(shape);
    const codes = await file.readRange(name, first * columns, count * columns);
    const scales = await file.readRange(scalesOf(name, file.types) as string, first, count);
    const { data } = fromInt8({ ...codes, shape: [count, ...shape.slice(1)] }, scales, `'${name}'`);
    return { dtype: 'F32', shape: [count, ...shape.slice(1)], bytes: bytesOf(data) };
  };
  const pieces = async function* (name: string): AsyncGenerator<Uint8Array> {
    const { rows, columns } = matrixOf(types.get(name)?.shape ?? []);
    const step = Math.max(1, Math.floor(pieceBytes / (4 * Math.max(columns, 1))));
    for (let row = 0; row < rows; row += step) yield (await rowsOf(name, row, Math.min(step, rows - row))).bytes;
  };
  const read = (name: string): Promise<StoredTensor> =>
    matrices.has(name) ? rowsOf(name, 0, types.get(name)?.shape[0] ?? 0) : file.read(name);

  return {
    names,
    types,
    unread: file.unread,
    metadata: file.metadata,
    notes: [...file.notes, `${rounded.length} matrices of 8-bit whole numbers with scales are read as float32`],
    read,
    async readRange(name, first, count) {
      if (!matrices.has(name)) return file.readRange(name, first, count);
      await file.readRange(name, first, count); // checks the range
      const { bytes } = await read(name);
      return { dtype: 'F32', shape: [count], bytes: bytes.slice(4 * first, 4 * (first + count)) };
    },
    chunks: (name) => (matrices.has(name) ? pieces(name) : file.chunks(name)),
    close: () => file.close(),
  };
}
