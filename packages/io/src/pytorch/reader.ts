import { type ByteSource, createMemorySource, sourceStream } from '../byte-stream.js';
import { checkArguments } from '../check-arguments.js';
import { IoError } from '../error.js';
import { byteLengthOf, formatStoredType, type StoredTensor, storedTypeBytes } from '../stored.js';
import { bytesPerElement, readContainer } from './containers.js';
import { isRowMajor, maximumExpansion, rangeOf, toRows } from './layout.js';
import type { PyTorchTensor, PyTorchValue } from './values.js';

/** Content of a PyTorch file. The tensors' data are read on demand. */
export interface PyTorchContent {
  readonly value: PyTorchValue;
  /**
   * Reads a tensor in row-major order, independent of its strides in the file.
   * @throws IoError if its data are not in the file.
   */
  read(tensor: PyTorchTensor): Promise<StoredTensor>;
  /**
   * Streams the bytes of a tensor in row-major order. Contiguous tensors are read in pieces of 1 MiB, others at once.
   * @throws IoError if its data are not in the file.
   */
  chunks(tensor: PyTorchTensor): AsyncIterable<Uint8Array>;
}

/**
 * Parses a file of `torch.save` in memory, in the zip format or the older format; see `openPyTorch`. Contiguous tensors are
 * views of `bytes`.
 */
export async function parsePyTorch(bytes: Uint8Array): Promise<PyTorchContent> {
  checkArguments('parsePyTorch', { bytes }, { bytes: 'Uint8Array' });
  return readPyTorchSource('parsePyTorch', createMemorySource(bytes));
}

/** Reads the value of a PyTorch file. Its tensors are read on demand. */
export async function readPyTorchSource(caller: string, source: ByteSource): Promise<PyTorchContent> {
  const { value, find } = await readContainer(caller, source);
  /** Position of the elements of a tensor in the file, from the first to the last. */
  const placeOf = async (tensor: PyTorchTensor): Promise<{ start: number; length: number }> => {
    const { dtype, storage } = tensor;
    const width = storedTypeBytes[dtype];
    const { begin, end } = rangeOf(tensor);
    if ((byteLengthOf(tensor) as number) > maximumExpansion * source.size) {
      throw new IoError(
        `${caller}: expected tensors of at most ${maximumExpansion} times the file's ${source.size} bytes, ` +
          `got ${formatStoredType(tensor)}. Save it without repeated elements: tensor.contiguous().`,
      );
    }
    if (end === begin) return { start: 0, length: 0 };
    const data = await find(storage);
    const from = storage.start * (bytesPerElement(storage) ?? width) + begin * width;
    const length = (end - begin) * width;
    if (from + length > data.size) {
      throw new IoError(
        `${caller}: expected ${from + length} bytes of the storage '${storage.key}', got ${data.size}. The file is damaged.`,
      );
    }
    return { start: data.start + from, length };
  };
  const read = async (tensor: PyTorchTensor): Promise<StoredTensor> => {
    const { dtype, shape } = tensor;
    const { start, length } = await placeOf(tensor);
    const bytes = length === 0 ? new Uint8Array(0) : toRows(tensor, await source.read(start, length));
    return { dtype, shape, bytes };
  };
  return {
    value,
    read,
    async *chunks(tensor) {
      if (!isRowMajor(tensor)) return yield (await read(tensor)).bytes;
      const { start, length } = await placeOf(tensor);
      yield* sourceStream(source, start, length).from(0);
    },
  };
}
