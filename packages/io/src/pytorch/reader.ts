import { type ByteSource, memorySource } from '../byte-source.js';
import { IoError } from '../error.js';
import { byteLengthOf, formatStoredType, type StoredTensor, storedTypeBytes } from '../stored.js';
import { bytesPerElement, readContainer } from './containers.js';
import { maximumExpansion, rangeOf, toRows } from './layout.js';
import type { PyTorchTensor, PyTorchValue } from './values.js';

/** The content of a PyTorch file, whose tensors' data are still there. */
export interface PyTorchContent {
  readonly value: PyTorchValue;
  /**
   * Reads one tensor: row-major, whatever its strides are in the file.
   * @throws IoError if its data are not in the file.
   */
  read(tensor: PyTorchTensor): Promise<StoredTensor>;
}

/**
 * Reads a file of `torch.save` from memory, in the zip format or the one before: see `openPyTorch`. Tensors whose elements
 * lie one after the other are views into `bytes`.
 */
export async function parsePyTorch(bytes: Uint8Array): Promise<PyTorchContent> {
  return readPyTorchSource('parsePyTorch', memorySource(bytes));
}

/** Reads the value of a PyTorch file, and its tensors when asked for. */
export async function readPyTorchSource(caller: string, source: ByteSource): Promise<PyTorchContent> {
  const { value, find } = await readContainer(caller, source);
  return {
    value,
    async read(tensor) {
      const { dtype, shape, storage } = tensor;
      const width = storedTypeBytes[dtype];
      const { begin, end } = rangeOf(tensor);
      if ((byteLengthOf(tensor) as number) > maximumExpansion * source.size) {
        throw new IoError(
          `${caller}: expected tensors of at most ${maximumExpansion} times the file's ${source.size} bytes, ` +
            `got ${formatStoredType(tensor)}. Save it without repeated elements: tensor.contiguous().`,
        );
      }
      if (end === begin) return { dtype, shape, bytes: new Uint8Array(0) };
      const data = await find(storage);
      const from = storage.start * bytesPerElement(storage) + begin * width;
      const length = (end - begin) * width;
      if (from + length > data.size) {
        throw new IoError(
          `${caller}: expected ${from + length} bytes of the storage '${storage.key}', got ${data.size}. The file is damaged.`,
        );
      }
      return { dtype, shape, bytes: toRows(tensor, await source.read(data.start + from, length)) };
    },
  };
}
