/**
 * The values that an argument or an option may have, in the words of TypeScript: `'number'`, `'string | null'`,
 * `"'zero' | 'identity'"`, `'number[]'` (numbers in an array or a typed array), `'object[]'`, `'Float32Array'`; an object
 * for an object of such; an array for alternatives that a text cannot name. `'unknown'` is any value but undefined,
 * `'any'` any value; NaN is no `'number'`. `'Ops'`, `'Engine'`, `'HostTensor'` and `'Tensor'` (the handle of an engine)
 * are those of the tensor interface.
 */
export type Kind = string | RecordKind | readonly Kind[];

/** An array whose elements are all of one kind, where a text such as `'string[]'` cannot name that. */
export const listOf = (kind: Kind): RecordKind => ({ '[]': kind });

/**
 * Kinds of an object's properties by name. A name that ends in `?` may be left out. Other names are refused unless the
 * record has the name `*`, which is the kind of all others: then only slips of names that are left out are refused. A name
 * whose value is undefined is as if it were not there.
 */
export interface RecordKind {
  readonly [name: string]: Kind;
}

/** Kinds of all properties of an interface: the compiler finds those that are forgotten, or no longer there. */
export type KindsOf<O> = {
  readonly [K in keyof O & string as undefined extends O[K]
    ? `${K}?`
    : object extends Pick<O, K>
      ? `${K}?`
      : K]-?: Kind;
} & { readonly '*'?: Kind };
