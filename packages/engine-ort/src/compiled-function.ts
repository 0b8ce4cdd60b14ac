import {
  type CompiledFunction,
  type DeviceTensor,
  DparError,
  formatType,
  type HostTensor,
  type RunOptions,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { OrtDeviceTensor } from './device-tensor.js';
import { checkHostTensor, toOrt } from './host-tensor.js';
import { Program } from './program.js';
import type { Runtime } from './runtime.js';

/** A function and its programs, one for each signature. */
export class OrtFunction implements CompiledFunction {
  /** Promises, so that calls that come while a signature compiles wait for the same program. */
  private readonly programs = new Map<string, Promise<Program>>();
  private disposed = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly options: InferenceSession.SessionOptions,
    private readonly fn: TensorFunction,
    private readonly constants: Tensors<HostTensor>,
  ) {
    for (const [name, tensor] of Object.entries(constants)) checkHostTensor(name, tensor);
  }

  get signatures(): number {
    return this.programs.size;
  }

  async run(inputs: Tensors<HostTensor | DeviceTensor>, options: RunOptions = {}): Promise<Tensors<HostTensor>> {
    const { program, tensors } = await this.prepare(inputs);
    return program.run(tensors, options);
  }

  async runOnDevice(inputs: Tensors<HostTensor | DeviceTensor>): Promise<Tensors<DeviceTensor>> {
    const { program, tensors } = await this.prepare(inputs);
    return program.runOnDevice(tensors);
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    const programs = [...this.programs.values()];
    this.programs.clear();
    for (const program of await Promise.allSettled(programs)) {
      if (program.status === 'fulfilled') await program.value.dispose();
    }
  }

  private async prepare(
    inputs: Tensors<HostTensor | DeviceTensor>,
  ): Promise<{ program: Program; tensors: Record<string, Tensor> }> {
    if (this.disposed) {
      throw new DparError('run: expected a live function, got one that was disposed. Compile it again.');
    }
    const types: Record<string, TensorType> = {};
    const tensors: Record<string, Tensor> = {};
    for (const [name, input] of Object.entries(inputs)) {
      if (input instanceof OrtDeviceTensor) {
        types[name] = input.type;
        tensors[name] = input.value;
      } else {
        const tensor = hostInput(name, input);
        types[name] = tensor;
        tensors[name] = toOrt(this.runtime, tensor);
      }
    }
    return { program: await this.program(types), tensors };
  }

  private program(types: Tensors<TensorType>): Promise<Program> {
    const signature = Object.keys(types)
      .sort()
      .map((name) => `${name}: ${formatType(types[name] as TensorType)}`)
      .join('; ');
    const known = this.programs.get(signature);
    if (known) return known;
    const program = Program.build(this.runtime, this.options, this.fn, types, this.constants);
    this.programs.set(signature, program);
    // What failed is not kept: the next call says what is wrong again.
    program.catch(() => this.programs.delete(signature));
    return program;
  }
}

function hostInput(name: string, tensor: HostTensor | DeviceTensor): HostTensor {
  if (!('data' in tensor)) {
    throw new DparError(
      `run: expected '${name}' to be a host tensor or a tensor of this engine, got another. Upload it to this engine.`,
    );
  }
  return checkHostTensor(name, tensor);
}
