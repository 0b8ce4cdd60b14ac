import { entriesOf, type PyTorchValue, PythonObject } from '@dpar/io';

/** Largest number of values; the rest is left out. A training script has some hundred attributes. */
const maximumValues = 10_000;

/** Deepest nesting that is read. */
const maximumDepth = 8;

/**
 * Attributes of an object such as `argparse.Namespace`, or entries of a dict, as plain values.
 * Values that JSON cannot hold are left out.
 */
export function plainAttributes(value: PyTorchValue | undefined): Record<string, unknown> {
  const attributes = dictOf(value);
  let values = 0;
  const plain = (inner: PyTorchValue, depth: number): unknown => {
    if (++values > maximumValues || depth > maximumDepth) return undefined;
    if (inner === null || ['boolean', 'number', 'string'].includes(typeof inner)) return inner;
    if (Array.isArray(inner)) return inner.map((item) => plain(item, depth + 1) ?? null);
    const dict = dictOf(inner);
    return dict === undefined ? omegaValue(inner, depth, plain) : entries(dict, depth);
  };
  // Entries are defined, not assigned, so that a key such as __proto__ has no effect.
  const entries = (dict: ReadonlyMap<PyTorchValue, PyTorchValue>, depth: number): Record<string, unknown> =>
    Object.fromEntries(
      Array.from(dict, ([key, inner]) => [keyText(key), plain(inner, depth + 1)] as const).filter(
        ([key, inner]) => key !== undefined && inner !== undefined,
      ),
    );
  return attributes === undefined ? {} : entries(attributes, 0);
}

/** Attributes or entries of a value; the content of OmegaConf's dicts. */
function dictOf(value: PyTorchValue | undefined): ReadonlyMap<PyTorchValue, PyTorchValue> | undefined {
  const entries = entriesOf(value);
  if (entries !== undefined || !(value instanceof PythonObject)) return entries;
  const state = entriesOf(value.state);
  return value.type.startsWith('omegaconf.') ? entriesOf(state?.get('_content')) : state;
}

/** Content of an OmegaConf node: a value or a list. */
function omegaValue(
  node: PyTorchValue,
  depth: number,
  plain: (inner: PyTorchValue, depth: number) => unknown,
): unknown {
  if (!(node instanceof PythonObject && node.type.startsWith('omegaconf.'))) return undefined;
  const state = entriesOf(node.state);
  return plain(state?.get('_val') ?? state?.get('_content') ?? null, depth + 1);
}

function keyText(key: PyTorchValue): string | undefined {
  return typeof key === 'string' || typeof key === 'number' ? String(key) : undefined;
}
