import { type DType, type HostTensor, hostTensor, type TensorType } from '@dpar/tensor';
import type { Tfjs, TfjsTensor } from './tfjs.js';

/** Shape and element type of a tensor of TensorFlow.js. */
export function typeOf(x: TfjsTensor): TensorType {
  return { dtype: x.dtype as DType, shape: x.shape };
}

/** A tensor of TensorFlow.js with the data of a host tensor: a copy, but on its CPU backend, which shares the memory. */
export function toTfjs(tf: Tfjs, { dtype, shape, data }: HostTensor): TfjsTensor {
  return tf.tensor(data, [...shape], dtype);
}

/** As {@link toTfjs}, always with memory of its own. */
export function copyToTfjs(tf: Tfjs, tensor: HostTensor): TfjsTensor {
  const shares = tf.getBackend() === 'cpu';
  return toTfjs(tf, shares ? ({ ...tensor, data: tensor.data.slice() } as HostTensor) : tensor);
}

/** Backends whose `data()` is a copy that nothing else refers to. Others may hand out memory that they go on using. */
const copying = ['wasm', 'tensorflow'];

/** The data of a tensor as a host tensor: in `target` if it is given, else with memory of its own. */
export async function fromTfjs(tf: Tfjs, x: TfjsTensor, target?: HostTensor): Promise<HostTensor> {
  const data = (await x.data()) as HostTensor['data'];
  if (target !== undefined) {
    target.data.set(data);
    return target;
  }
  const { dtype, shape } = typeOf(x);
  return hostTensor(dtype, shape, copying.includes(tf.getBackend()) ? data : data.slice());
}
