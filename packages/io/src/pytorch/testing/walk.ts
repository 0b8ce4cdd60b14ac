import { PyTorchTensor, type PyTorchValue, PythonObject } from '../values.js';

/** All tensors in a value, however it is nested or holds itself. */
export function tensorsIn(value: PyTorchValue): PyTorchTensor[] {
  const seen = new Set<PyTorchValue>([value]);
  for (const next of seen) for (const part of partsOf(next)) seen.add(part);
  return [...seen].filter((part) => part instanceof PyTorchTensor);
}

function partsOf(value: PyTorchValue): Iterable<PyTorchValue> {
  if (Array.isArray(value) || value instanceof Set) return value;
  if (value instanceof Map) return [...value].flat();
  if (value instanceof PythonObject) return [value.args, value.items, value.entries, value.state ?? null];
  return [];
}
