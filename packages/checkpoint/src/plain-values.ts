import { entriesOf, type PyTorchValue, PythonObject } from '@dpar/io';

/** Most values that are taken: attributes of a training script are some hundred. What is beyond is left out. */
const maximumValues = 10_000;

/** Deepest nesting that is looked at. */
const maximumDepth = 8;

/**
 * The attributes of an object such as `argparse.Namespace`, or the entries of a dict, as plain values; those that JSON
 * cannot hold are left out.
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
  // Entries are defined, not assigned: no key has a meaning.
  const entries = (dict: ReadonlyMap<PyTorchValue, PyTorchValue>, depth: number): Record<string, unknown> =>
    Object.fromEntries(
      Array.from(dict, ([key, inner]) => [keyText(key), plain(inner, depth + 1)] as const).filter(
        ([key, inner]) => key !== undefined && inner !== undefined,
      ),
    );
  return attributes === undefined ? {} : entries(attributes, 0);
}

/** The attributes or entries that a value has; of OmegaConf's dicts, what they hold. */
function dictOf(value: PyTorchValue | undefined): ReadonlyMap<PyTorchValue, PyTorchValue> | undefined {
  const entries = entriesOf(value);
  if (entries !== undefined || !(value instanceof PythonObject)) return entries;
  const state = entriesOf(value.state);
  return value.type.startsWith('omegaconf.') ? entriesOf(state?.get('_content')) : state;
}

/** What a node of OmegaConf stands for: a value, or a list. */
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
