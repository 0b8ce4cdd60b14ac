import { DparError, formatType, type HostTensor, hostTensor, sameShape, sizeOf, type TensorType } from '@dpar/tensor';
import type { Tensor } from 'onnxruntime-common';
import type { Runtime } from './runtime.js';

const dataTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

/** @throws DparError if a tensor's data are not what its type says. */
export function checkHostTensor(name: string, tensor: HostTensor): HostTensor {
  if (!(tensor.data instanceof dataTypes[tensor.dtype]) || tensor.data.length !== sizeOf(tensor.shape)) {
    throw new DparError(
      `run: expected '${name}' to hold the data of ${formatType(tensor)}, got ${tensor.data.length} elements of ` +
        `${tensor.data.constructor.name}. Make tensors with hostTensor.`,
    );
  }
  return tensor;
}

/** The tensor to write output `name` to: the one given for it if its type is right, else a new one. */
export function outputTensor(name: string, type: TensorType, given: HostTensor | undefined): HostTensor {
  if (given === undefined) return hostTensor(type.dtype, type.shape);
  if (given.dtype !== type.dtype || !sameShape(given.shape, type.shape)) {
    throw new DparError(
      `run: expected 'into.${name}' of ${formatType(type)}, got ${formatType(given)}. Make it of the output's type.`,
    );
  }
  return checkHostTensor(`into.${name}`, given);
}

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
