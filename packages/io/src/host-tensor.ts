type Typed<D extends string, A> = { readonly dtype: D; readonly shape: readonly number[]; readonly data: A };

/**
 * A tensor in ordinary memory: row-major data in a typed array, `bool` as one byte of 0 or 1. The same type as
 * `HostTensor` of `@dpar/tensor`, written out so that this package's types need no other.
 */
export type HostTensor = Typed<'float32', Float32Array> | Typed<'int32', Int32Array> | Typed<'bool', Uint8Array>;
