import {
  type CompiledFunction,
  type CompileOptions,
  checkDeviceRunArguments,
  checkLive,
  checkNotConstant,
  checkOutputNames,
  checkRunArguments,
  type DeviceRunOptions,
  type DeviceTensor,
  formatType,
  type HostTensor,
  hostInput,
  outputTensor,
  type RunOptions,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import { Constants } from './constants.js';
import { checked } from './device-errors.js';
import { TfjsDeviceTensor } from './device-tensor.js';
import { fromTfjs } from './host-tensor.js';
import { type Computer, Program } from './program.js';
import type { TfjsTensor } from './tfjs.js';
import { inTurn } from './turn.js';

/** Limit on the programs of a function. The least recently used one is dropped; making it again is cheaper than running it. */
const mostPrograms = 64;

/** Outputs of a call, in order. */
interface Outputs {
  readonly names: readonly string[];
  readonly outputs: readonly TfjsTensor[];
}

/** Function and its programs, one for each signature. */
export class TfjsFunction implements CompiledFunction {
  /** Programs by signature, the least recently used first. */
  private readonly programs = new Map<string, Program>();
  private readonly constants: Constants;
  private made = 0;
  private disposed = false;

  /** @throws DparError if the data of a constant do not fit its type. */
  constructor(
    private readonly computer: Computer,
    private readonly fn: TensorFunction,
    { constants = {}, weights = 'float32' }: CompileOptions,
  ) {
    this.constants = new Constants(computer.tf, computer.backend, constants, weights);
  }

  get signatures(): number {
    return this.made;
  }

  async run(inputs: Tensors<HostTensor | DeviceTensor>, options: RunOptions = {}): Promise<Tensors<HostTensor>> {
    checkRunArguments(inputs, options);
    const { into = {} } = options;
    const { names, outputs } = await this.call(inputs, 'into', Object.keys(into));
    try {
      for (const [i, name] of names.entries()) {
        const { dtype, shape } = outputs[i] as TfjsTensor;
        outputTensor(name, { dtype: dtype as TensorType['dtype'], shape }, into[name]);
      }
      const found = await checked(this.computer.device, () => fromTfjs(outputs, this.computer.backend));
      return Object.fromEntries(
        names.map((name, i) => {
          const value = found[i] as HostTensor;
          const target = into[name];
          target?.data.set(value.data);
          return [name, target ?? value];
        }),
      );
    } finally {
      for (const output of outputs) output.dispose();
    }
  }

  async runOnDevice(
    inputs: Tensors<HostTensor | DeviceTensor>,
    options: DeviceRunOptions = {},
  ): Promise<Tensors<DeviceTensor>> {
    checkDeviceRunArguments(inputs, options);
    const { names, outputs } = await this.call(inputs, 'toHost', options.toHost ?? []);
    return Object.fromEntries(
      names.map((name, i) => [name, new TfjsDeviceTensor(this.computer, outputs[i] as TfjsTensor)]),
    );
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.programs.clear();
    this.constants.dispose();
  }

  /** Computes the outputs. The caller disposes them. */
  private call(
    inputs: Tensors<HostTensor | DeviceTensor>,
    option: 'into' | 'toHost',
    named: readonly string[],
  ): Promise<Outputs> {
    return inTurn(
      this.computer,
      () => this.compute(inputs, option, named),
      ({ outputs }) => {
        for (const output of outputs) output.dispose();
      },
    );
  }

  private compute(
    inputs: Tensors<HostTensor | DeviceTensor>,
    option: 'into' | 'toHost',
    named: readonly string[],
  ): Outputs {
    checkLive('function', this.disposed);
    const types: Record<string, TensorType> = {};
    const tensors: Record<string, HostTensor | TfjsTensor> = {};
    for (const name of Object.keys(inputs).sort()) {
      checkNotConstant(name, this.constants.host);
      const input = inputs[name] as HostTensor | DeviceTensor;
      if (input instanceof TfjsDeviceTensor && input.computer.tf === this.computer.tf) {
        tensors[name] = input.value;
        types[name] = input.type;
      } else {
        const host = hostInput(name, input);
        tensors[name] = host;
        types[name] = { dtype: host.dtype, shape: host.shape };
      }
    }
    const program = this.program(types);
    checkOutputNames(option, named, program.outputNames);
    return { names: program.outputNames, outputs: program.run(tensors) };
  }

  private program(types: Tensors<TensorType>): Program {
    let signature = '';
    for (const name in types) signature += `${name}: ${formatType(types[name] as TensorType)}; `;
    let program = this.programs.get(signature);
    if (program === undefined) {
      program = new Program(this.computer, this.fn, types, this.constants);
      this.made++;
      const [oldest] = this.programs.keys();
      if (this.programs.size >= mostPrograms && oldest !== undefined) this.programs.delete(oldest);
    } else {
      this.programs.delete(signature);
    }
    this.programs.set(signature, program);
    return program;
  }
}
