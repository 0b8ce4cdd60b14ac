import { type ByteStream, firstBytes, groupBytes, skipBytes } from './byte-stream.js';
import { IoError } from './error.js';
import { type NpyHeader, npyDataStart, npyPrefixBytes, npyTensor, parseNpyHeader } from './npy.js';
import { formatStoredType, isCount, type StoredTensor, storedTypeBytes } from './stored.js';

/** Bytes of a piece of rows, or a row if that is longer. */
const pieceBytes = 1 << 22;

/** Bytes of rows gathered in one pass over an array in Fortran order, where each row is spread over the file. */
const passBytes = 1 << 28;

/** Reads the header of an array. @throws the errors of `parseNpy`. */
export async function readNpyHeader(caller: string, stream: ByteStream): Promise<NpyHeader> {
  const prefix = await firstBytes(stream.from(0), npyPrefixBytes);
  const dataStart = npyDataStart(caller, prefix, stream.size);
  return parseNpyHeader(caller, await firstBytes(stream.from(0), dataStart), stream.size);
}

/**
 * Reads `count` rows of an array from row `first`, in pieces of whole rows: tensors [n, ...], row-major and little-endian.
 * Memory: about 4 MiB, or a row. An array in Fortran order needs 256 MiB, or a row, and a pass over all data per piece.
 *
 * @param what Name of the array and its file, for error messages.
 * @throws IoError if the array does not have these rows, and the errors of the stream.
 */
export async function* npyRows(
  caller: string,
  what: string,
  header: NpyHeader,
  stream: ByteStream,
  first: number,
  count: number,
): AsyncGenerator<StoredTensor> {
  const { dtype, shape, dataStart } = header;
  const [rows, ...row] = shape;
  if (rows === undefined || !isCount(first) || !isCount(count) || first + count > rows) {
    throw new IoError(
      `${caller}: expected rows of ${what}, ${formatStoredType(header)}, got ${count} from ${first}. Check the range.`,
    );
  }
  const rowBytes = row.reduce((product, size) => product * size, storedTypeBytes[dtype]);
  if (count === 0 || rowBytes === 0) {
    if (count > 0) yield { dtype, shape: [count, ...row], bytes: new Uint8Array(0) };
    return;
  }
  const plain = { ...header, fortranOrder: false };
  const tensor = (bytes: Uint8Array): StoredTensor =>
    npyTensor({ ...plain, shape: [bytes.length / rowBytes, ...row] }, bytes);
  const rowsIn = (bytes: number): number => Math.max(1, Math.floor(bytes / rowBytes));
  if (header.fortranOrder && row.some((size) => size > 1) && rows > 1) {
    for (let at = first; at < first + count; at += rowsIn(passBytes)) {
      const end = Math.min(first + count, at + rowsIn(passBytes));
      yield tensor(await gatherRows(header, stream, at, end));
    }
    return;
  }
  // Reading from the start of the stream compares its checksum.
  const begin = dataStart + first * rowBytes;
  const pieces = first === 0 ? skipBytes(stream.from(0), begin) : stream.from(begin);
  let left = count;
  for await (const bytes of groupBytes(pieces, rowBytes * Math.min(count, rowsIn(pieceBytes)))) {
    const taken = Math.min(left, Math.floor(bytes.length / rowBytes));
    yield tensor(bytes.subarray(0, taken * rowBytes));
    left -= taken;
    if (left === 0 && first + count < rows) return;
  }
}

/** Gathers the rows from `first` to `end - 1` of an array in Fortran order, in row-major order. */
async function gatherRows(
  { dtype, shape, dataStart }: NpyHeader,
  stream: ByteStream,
  first: number,
  end: number,
): Promise<Uint8Array> {
  const [rows = 0, ...row] = shape;
  const width = storedTypeBytes[dtype];
  const columns = row.reduce((product, size) => product * size, 1);
  const gathered = new Uint8Array((end - first) * columns * width);
  let element = 0; // of the array, in the file's order
  for await (const bytes of groupBytes(skipBytes(stream.from(0), dataStart), width << 18)) {
    const next = element + bytes.length / width;
    for (let column = Math.floor(element / rows); column * rows < next; column++) {
      const place = rowMajorPlace(column, row);
      const from = Math.max(element, column * rows + first);
      const to = Math.min(next, column * rows + end);
      for (let i = from; i < to; i++) {
        const into = ((i - column * rows - first) * columns + place) * width;
        for (let byte = 0; byte < width; byte++) gathered[into + byte] = bytes[(i - element) * width + byte] as number;
      }
    }
    element = next;
  }
  return gathered;
}

/** Row-major index of the element with index `place` in Fortran order. */
function rowMajorPlace(place: number, shape: readonly number[]): number {
  let rest = place;
  let found = 0;
  for (const size of shape) {
    found = found * size + (rest % size);
    rest = Math.floor(rest / size);
  }
  return found;
}
