/**
 * Kind of an argument or an option, written as in TypeScript: `'number'`, `'string | null'`, `"'zero' | 'identity'"`,
 * `'number[]'` (numbers in an array or a typed array), `'object[]'`, `'Float32Array'`.
 *
 * An object gives the kinds of properties, an array alternatives. `'unknown'` is any value but undefined, `'any'` any value.
 * NaN is not a `'number'`. `'Ops'`, `'Engine'`, `'HostTensor'` and `'Tensor'` are those of the tensor interface.
 */
export type Kind = string | RecordKind | readonly Kind[];

/** Kind of an array whose elements have a kind that is not a text, such as `'string[]'`. */
export const listOf = (kind: Kind): RecordKind => ({ '[]': kind });

/**
 * Kinds of an object's properties by name. A name that ends in `?` is optional. Unknown names are refused. If the record
 * has the name `*`, only misspelt optional names are refused. A property whose value is undefined counts as missing.
 */
export interface RecordKind {
  readonly [name: string]: Kind;
}

/** Kinds of all properties of an interface. A forgotten or removed property does not compile. */
export type KindsOf<O> = {
  readonly [K in keyof O & string as undefined extends O[K]
    ? `${K}?`
    : object extends Pick<O, K>
      ? `${K}?`
      : K]-?: Kind;
} & { readonly '*'?: Kind };
