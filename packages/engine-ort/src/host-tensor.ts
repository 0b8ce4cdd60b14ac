import type { HostTensor } from '@dpar/tensor';
import type { Tensor } from 'onnxruntime-common';
import type { Runtime } from './runtime.js';

/** Whether two views share bytes. */
export function overlap(a: HostTensor['data'], b: HostTensor['data']): boolean {
  const [endOfA, endOfB] = [a.byteOffset + a.byteLength, b.byteOffset + b.byteLength];
  return a.buffer === b.buffer && a.byteOffset < endOfB && b.byteOffset < endOfA;
}

/** A tensor of ONNX Runtime over the same memory. */
export function toOrt({ ort }: Runtime, tensor: HostTensor): Tensor {
  const { shape } = tensor;
  switch (tensor.dtype) {
    case 'float32':
      return new ort.Tensor('float32', tensor.data, shape);
    case 'int32':
      return new ort.Tensor('int32', tensor.data, shape);
    case 'bool':
      return new ort.Tensor('bool', tensor.data, shape);
  }
}
