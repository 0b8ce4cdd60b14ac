import { checkLive, type DeviceTensor, type HostTensor, hostTensor, type TensorType } from '@dpar/tensor';
import type { Tensor } from 'onnxruntime-common';
import type { Runtime } from './runtime.js';

/** Tensor of ONNX Runtime over the memory of a host tensor. */
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

/** True if two views share bytes. */
export function overlap(a: HostTensor['data'], b: HostTensor['data']): boolean {
  const [endOfA, endOfB] = [a.byteOffset + a.byteLength, b.byteOffset + b.byteLength];
  return a.buffer === b.buffer && a.byteOffset < endOfB && b.byteOffset < endOfA;
}

/** Tensor of ONNX Runtime in the memory of its device. */
export class OrtDeviceTensor implements DeviceTensor {
  private tensor: Tensor | undefined;

  constructor(
    readonly type: TensorType,
    tensor: Tensor,
  ) {
    this.tensor = tensor;
  }

  /** @throws DparError after `dispose`. */
  get value(): Tensor {
    checkLive('tensor', this.tensor === undefined);
    return this.tensor as Tensor;
  }

  async read(): Promise<HostTensor> {
    const data = await this.value.getData();
    return hostTensor(this.type.dtype, this.type.shape, (data as Float32Array | Int32Array | Uint8Array).slice());
  }

  dispose(): void {
    // The garbage collector frees tensors in host memory.
    if (this.tensor && this.tensor.location !== 'cpu') this.tensor.dispose();
    this.tensor = undefined;
  }
}
