import { checkLive, type DeviceTensor, type HostTensor, hostTensor, type TensorType } from '@dpar/tensor';
import type { RuntimeTensor } from './runtime.js';

/** True if two views share bytes. */
export function overlap(a: HostTensor['data'], b: HostTensor['data']): boolean {
  const [endOfA, endOfB] = [a.byteOffset + a.byteLength, b.byteOffset + b.byteLength];
  return a.buffer === b.buffer && a.byteOffset < endOfB && b.byteOffset < endOfA;
}

/** Copies a tensor out of the memory of a GPU. Undefined if the runtime itself can. */
export type DeviceReader = ((tensor: OrtDeviceTensor) => Promise<HostTensor>) | undefined;

/** Tensor in the memory of the runtime's device or thread. */
export class OrtDeviceTensor implements DeviceTensor {
  private tensor: RuntimeTensor | undefined;
  /** Calls that read the memory. */
  private calls = 0;
  private disposed = false;

  constructor(
    readonly type: TensorType,
    tensor: RuntimeTensor,
    private readonly owner?: { readonly read: DeviceReader; freed(): void },
  ) {
    this.tensor = tensor;
  }

  /** Begins a call that reads the memory, which is not freed before {@link OrtDeviceTensor.leave}. @throws as `value` */
  enter(): RuntimeTensor {
    const { value } = this;
    this.calls++;
    return value;
  }

  /** Ends a call. */
  leave(): void {
    this.calls--;
    if (this.disposed) this.free();
  }

  async read(): Promise<HostTensor> {
    const { location } = this.value;
    if (this.owner?.read !== undefined) return this.owner.read(this);
    const data = (await this.value.getData()) as HostTensor['data'];
    // What comes from a thread is a copy already.
    return hostTensor(this.type.dtype, this.type.shape, location === 'thread' ? data : data.slice());
  }

  dispose(): void {
    this.disposed = true;
    this.free();
  }

  /** @throws DparError after `dispose`. */
  private get value(): RuntimeTensor {
    checkLive('tensor', this.disposed);
    return this.tensor as RuntimeTensor;
  }

  private free(): void {
    if (this.calls > 0) return;
    // The garbage collector frees tensors in host memory.
    if (this.tensor && this.tensor.location !== 'cpu') this.tensor.dispose();
    this.tensor = undefined;
    this.owner?.freed();
  }
}
