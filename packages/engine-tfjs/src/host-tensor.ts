import { type DType, type HostTensor, hostTensor, type TensorType } from '@dpar/tensor';
import type { Tfjs, TfjsTensor } from './tfjs.js';

/** Shape and element type of a tensor of TensorFlow.js. */
export function typeOf(x: TfjsTensor): TensorType {
  return { dtype: x.dtype as DType, shape: x.shape };
}

/** Tensor of TensorFlow.js over the data of a host tensor. Some backends keep using that memory. */
export function toTfjs(tf: Tfjs, { dtype, shape, data }: HostTensor): TfjsTensor {
  return tf.tensor(data, [...shape], dtype);
}

/** True if a backend copies data in both directions at once. Others share memory; the native one copies at the first use. */
const copies = (backend: string): boolean => backend === 'wasm';

/** {@link toTfjs} with memory of its own. */
export function copyToTfjs(tf: Tfjs, tensor: HostTensor): TfjsTensor {
  const data = copies(tf.getBackend()) ? tensor.data : tensor.data.slice();
  return toTfjs(tf, { ...tensor, data } as HostTensor);
}

/**
 * Reads tensors as host tensors with memory of their own.
 * @param backend Backend of the tensors.
 */
export async function fromTfjs(tensors: readonly TfjsTensor[], backend: string): Promise<HostTensor[]> {
  const all = await Promise.all(tensors.map((x) => x.data() as Promise<HostTensor['data']>));
  return tensors.map((x, i) => {
    const data = all[i] as HostTensor['data'];
    const { dtype, shape } = typeOf(x);
    return hostTensor(dtype, shape, copies(backend) ? data : data.slice());
  });
}
