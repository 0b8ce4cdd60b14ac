import { IoError } from './error.js';
import { formatStoredType, isCount, type StoredType, storedTypeBytes } from './stored.js';

/**
 * Where consecutive elements of a row-major tensor lie: bytes from the start of its data.
 *
 * @param first Number of the first element in row-major order.
 * @param what The tensor and its file, for error messages.
 * @throws IoError if the tensor has not these elements.
 */
export function rangeInBytes(caller: string, type: StoredType, first: number, count: number, what: string) {
  const elements = type.shape.reduce((product, size) => product * size, 1);
  if (!isCount(first) || !isCount(count) || first + count > elements) {
    throw new IoError(
      `${caller}: expected a range among the ${elements} elements of ${what}, ${formatStoredType(type)}, ` +
        `got ${count} from ${first} on.`,
    );
  }
  const width = storedTypeBytes[type.dtype];
  return { begin: first * width, length: count * width };
}
