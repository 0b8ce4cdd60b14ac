import { type DeviceTensor, DparError, type HostTensor, type TensorType } from '@dpar/tensor';
import { checked } from './device-errors.js';
import { fromTfjs, typeOf } from './host-tensor.js';
import type { Computer } from './program.js';
import type { TfjsTensor } from './tfjs.js';

/** A tensor of TensorFlow.js, in its backend's memory. */
export class TfjsDeviceTensor implements DeviceTensor {
  readonly type: TensorType;
  private tensor: TfjsTensor | undefined;

  constructor(
    readonly computer: Computer,
    tensor: TfjsTensor,
  ) {
    this.type = typeOf(tensor);
    this.tensor = tensor;
  }

  /** @throws DparError after `dispose`. */
  get value(): TfjsTensor {
    if (this.tensor === undefined) {
      throw new DparError(
        'DeviceTensor: expected a live tensor, got one that was disposed. Dispose it after its last use.',
      );
    }
    return this.tensor;
  }

  async read(): Promise<HostTensor> {
    const { computer, value } = this;
    const [host] = await checked(computer.device, () => fromTfjs([value], computer.backend));
    return host as HostTensor;
  }

  dispose(): void {
    this.tensor?.dispose();
    this.tensor = undefined;
  }
}
