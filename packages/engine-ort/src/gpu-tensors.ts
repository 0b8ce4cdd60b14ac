import type { TensorType } from '@dpar/tensor';
import type { RuntimeTensor } from './runtime.js';
import { type DeviceReader, OrtDeviceTensor } from './tensors.js';

/** Tensors of an engine in the memory of a GPU. */
export class GpuTensors {
  private readonly live = new Set<OrtDeviceTensor>();

  /** @param read Copies a tensor to the host, where the runtime itself cannot. */
  constructor(private readonly read: DeviceReader) {}

  /** Keeps a tensor. @param onFree Called once it is freed. */
  keep(type: TensorType, tensor: RuntimeTensor, onFree: () => void): OrtDeviceTensor {
    const kept = new OrtDeviceTensor(type, tensor, {
      read: this.read,
      freed: () => {
        this.live.delete(kept);
        onFree();
      },
    });
    this.live.add(kept);
    return kept;
  }

  disposeAll(): void {
    for (const tensor of this.live) tensor.dispose();
  }
}
