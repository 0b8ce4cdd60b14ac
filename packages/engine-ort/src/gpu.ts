import type { TensorType } from '@dpar/tensor';
import type { RuntimeTensor } from './runtime.js';
import { type DeviceReader, OrtDeviceTensor } from './tensors.js';

/** A GPU that an engine uses, and the engine's tensors in its memory. */
export class Gpu {
  private readonly live = new Set<OrtDeviceTensor>();
  private opened: Promise<unknown> | undefined;

  /**
   * @param read Copies a tensor to the host, where the runtime itself cannot.
   * @param openSession Opens a session that lives as long as the engine.
   */
  constructor(
    private readonly read: DeviceReader,
    private readonly openSession: () => Promise<unknown>,
  ) {}

  /**
   * Opens the GPU before the first call. ONNX Runtime closes it with its last session, and opening it takes 0.1 s or more.
   */
  async open(): Promise<void> {
    this.opened ??= this.openSession();
    try {
      await this.opened;
    } catch (error) {
      this.opened = undefined;
      throw error;
    }
  }

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
