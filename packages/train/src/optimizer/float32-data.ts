import { DparError, type HostTensor, type HostTensorOf, type Tensors } from '@dpar/tensor';

/** Data of a tensor. @throws DparError if there is none or it is not float32. */
export function float32Data(caller: string, name: string, tensor: HostTensor | undefined): Float32Array {
  if (tensor?.dtype === 'float32') return (tensor as HostTensorOf<'float32'>).data;
  throw new DparError(`${caller}: expected a float32 tensor for '${name}', got ${tensor?.dtype ?? 'none'}.`);
}

/**
 * Data of the tensor `name`, which belongs to another of `length` elements.
 * @param what What it is, for messages: 'a gradient'.
 * @throws DparError if there is none, or it is not float32 or of another size.
 */
export function matchingData(
  caller: string,
  what: string,
  tensors: Tensors<HostTensor>,
  name: string,
  length: number,
): Float32Array {
  const data = float32Data(caller, name, tensors[name]);
  if (data.length === length) return data;
  throw new DparError(`${caller}: expected ${what} of ${length} elements for '${name}', got ${data.length}.`);
}
