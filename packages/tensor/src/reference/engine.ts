import type {
  CompiledFunction,
  CompileOptions,
  DeviceRunOptions,
  DeviceTensor,
  Engine,
  RunOptions,
} from '../engine.js';
import {
  callFunction,
  checkCompileArguments,
  checkDeviceRunArguments,
  checkHostTensor,
  checkLive,
  checkNotConstant,
  checkOutputNames,
  checkRunArguments,
  hostInput,
  outputTensor,
} from '../engine-support.js';
import type { Ops, TensorFunction } from '../ops.js';
import { dequantizeMatrix, quantizeMatrix } from '../quantize.js';
import { formatType, type HostTensor, hostTensor, type Tensors } from '../types.js';
import { opsWithMatrices, referenceOps } from './ops.js';

function copyOf({ dtype, shape, data }: HostTensor): HostTensor {
  return hostTensor(dtype, shape, data.slice());
}

/** Host tensor in the reference engine. */
class ReferenceDeviceTensor implements DeviceTensor {
  private disposed = false;

  constructor(private readonly tensor: HostTensor) {}

  get type() {
    return { dtype: this.tensor.dtype, shape: this.tensor.shape };
  }

  /** The tensor itself. @throws DparError after `dispose`. */
  get value(): HostTensor {
    checkLive('tensor', this.disposed);
    return this.tensor;
  }

  async read(): Promise<HostTensor> {
    return copyOf(this.value);
  }

  dispose(): void {
    this.disposed = true;
  }
}

function resolve(name: string, tensor: HostTensor | DeviceTensor): HostTensor {
  return tensor instanceof ReferenceDeviceTensor ? tensor.value : hostInput(name, tensor);
}

function write(name: string, value: HostTensor, given: HostTensor): HostTensor {
  const target = outputTensor(name, value, given);
  target.data.set(value.data);
  return target;
}

/** Operations that round constant matrices to a weight format before they multiply. */
function opsWithRounded(constants: readonly HostTensor[], format: 'int8' | 'int4'): Ops<HostTensor> {
  const rounded = new Map<object, HostTensor | undefined>(constants.map((tensor) => [tensor, undefined]));
  return opsWithMatrices((matrix) => {
    if (!rounded.has(matrix) || matrix.shape.length !== 2) return matrix;
    const found = rounded.get(matrix) ?? dequantizeMatrix(quantizeMatrix(matrix as HostTensor, format));
    rounded.set(matrix, found);
    return found;
  });
}

class ReferenceFunction implements CompiledFunction {
  private readonly seen = new Set<string>();
  private readonly constants: Tensors<HostTensor>;
  private readonly ops: Ops<HostTensor>;
  private disposed = false;

  constructor(
    private readonly fn: TensorFunction,
    { constants = {}, weights = 'float32' }: CompileOptions,
  ) {
    this.constants = constants;
    this.ops = weights === 'float32' ? referenceOps : opsWithRounded(Object.values(constants), weights);
  }

  get signatures(): number {
    return this.seen.size;
  }

  private evaluate(inputs: Tensors<HostTensor | DeviceTensor>): Tensors<HostTensor> {
    checkLive('function', this.disposed);
    const values: Record<string, HostTensor> = { ...this.constants };
    const signature: string[] = [];
    for (const [name, tensor] of Object.entries(inputs)) {
      checkNotConstant(name, this.constants);
      values[name] = resolve(name, tensor);
      signature.push(`${name}: ${formatType(values[name])}`);
    }
    const outputs = callFunction(this.fn, this.ops, values);
    this.seen.add(signature.sort().join('; '));
    return outputs;
  }

  async run(inputs: Tensors<HostTensor | DeviceTensor>, options: RunOptions = {}): Promise<Tensors<HostTensor>> {
    checkRunArguments(inputs, options);
    const { into = {} } = options;
    const outputs = this.evaluate(inputs);
    checkOutputNames('into', Object.keys(into), Object.keys(outputs));
    return Object.fromEntries(
      Object.entries(outputs).map(([name, value]) => {
        const target = into[name];
        return [name, target === undefined ? copyOf(value) : write(name, value, target)];
      }),
    );
  }

  async runOnDevice(
    inputs: Tensors<HostTensor | DeviceTensor>,
    options: DeviceRunOptions = {},
  ): Promise<Tensors<DeviceTensor>> {
    checkDeviceRunArguments(inputs, options);
    const evaluated = this.evaluate(inputs);
    checkOutputNames('toHost', options.toHost ?? [], Object.keys(evaluated));
    const outputs = Object.entries(evaluated);
    return Object.fromEntries(outputs.map(([name, value]) => [name, new ReferenceDeviceTensor(copyOf(value))]));
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }
}

/**
 * Reference engine: runs functions directly with {@link referenceOps}. Other engines are checked against it. It is slow
 * and compiles nothing; `signatures` counts as in other engines.
 */
export function createReferenceEngine(): Engine {
  const compiled: CompiledFunction[] = [];
  return {
    name: 'reference (plain loops)',
    compile: (fn, options = {}) => {
      checkCompileArguments(fn, options);
      const result = new ReferenceFunction(fn, options);
      compiled.push(result);
      return result;
    },
    upload: async (tensor) => new ReferenceDeviceTensor(copyOf(checkHostTensor('tensor', tensor))),
    dispose: async () => {
      for (const fn of compiled) await fn.dispose();
    },
  };
}
