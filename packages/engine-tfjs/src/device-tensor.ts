import { checkLive, type DeviceTensor, type HostTensor, type TensorType } from '@dpar/tensor';
import { checked } from './device-errors.js';
import { fromTfjs, typeOf } from './host-tensor.js';
import type { Computer } from './program.js';
import type { TfjsTensor } from './tfjs.js';

/** Tensor of TensorFlow.js in the memory of its backend. */
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
    checkLive('tensor', this.tensor === undefined);
    return this.tensor as TfjsTensor;
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
