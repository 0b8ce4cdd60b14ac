import type { StoredDType, StoredType } from '@dpar/io';
import type { TensorType } from '@dpar/tensor';

/** Element types that weights may be stored in; all are read as float32. */
const floatTypes: ReadonlySet<StoredDType> = new Set<StoredDType>(['F32', 'F16', 'BF16', 'F64', 'F8_E4M3', 'F8_E5M2']);

/** The types that stored weights have once they are read, for `checkParameters`. */
export function weightTypes(stored: ReadonlyMap<string, StoredType>): Record<string, TensorType> {
  return Object.fromEntries(
    Array.from(stored, ([name, { dtype, shape }]) => [
      name,
      { dtype: floatTypes.has(dtype) ? 'float32' : 'int32', shape },
    ]),
  );
}
