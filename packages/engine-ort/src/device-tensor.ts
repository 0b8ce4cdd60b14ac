import { type DeviceTensor, DparError, type HostTensor, hostTensor, type TensorType } from '@dpar/tensor';
import type { Tensor } from 'onnxruntime-common';

/** A tensor of ONNX Runtime, in its device's memory. */
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
    if (this.tensor === undefined) {
      throw new DparError(
        'DeviceTensor: expected a live tensor, got one that was disposed. Dispose it after its last use.',
      );
    }
    return this.tensor;
  }

  async read(): Promise<HostTensor> {
    const data = await this.value.getData();
    return hostTensor(this.type.dtype, this.type.shape, (data as Float32Array | Int32Array | Uint8Array).slice());
  }

  dispose(): void {
    // Tensors in ordinary memory belong to the garbage collector.
    if (this.tensor && this.tensor.location !== 'cpu') this.tensor.dispose();
    this.tensor = undefined;
  }
}
