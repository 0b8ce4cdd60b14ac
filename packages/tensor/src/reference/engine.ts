import type { CompiledFunction, CompileOptions, DeviceTensor, Engine, RunOptions, TensorFunction } from '../engine.js';
import { DparError, isDparError } from '../error.js';
import type { Ops } from '../ops.js';
import { dequantizeMatrix, quantizeMatrix } from '../quantize.js';
import { sameShape } from '../shape.js';
import { formatType, type HostTensor, hostTensor, sizeOf, type Tensors } from '../types.js';
import { opsWithMatrices, referenceOps } from './ops.js';

const dataTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function copyOf({ dtype, shape, data }: HostTensor): HostTensor {
  return hostTensor(dtype, shape, data.slice());
}

/** A host tensor that the reference engine keeps. */
class ReferenceDeviceTensor implements DeviceTensor {
  private disposed = false;

  constructor(private readonly tensor: HostTensor) {}

  get type() {
    return { dtype: this.tensor.dtype, shape: this.tensor.shape };
  }

  /** The tensor itself. @throws DparError after `dispose`. */
  get value(): HostTensor {
    if (this.disposed) {
      throw new DparError(
        'DeviceTensor: expected a live tensor, got one that was disposed. Dispose it after its last use.',
      );
    }
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
  if (tensor instanceof ReferenceDeviceTensor) return tensor.value;
  if (!('data' in tensor)) {
    throw new DparError(
      `run: expected '${name}' to be a host tensor or a tensor of this engine, got another. Upload it to this engine.`,
    );
  }
  if (!(tensor.data instanceof dataTypes[tensor.dtype]) || tensor.data.length !== sizeOf(tensor.shape)) {
    throw new DparError(
      `run: expected '${name}' to hold the data of ${formatType(tensor)}, got ${tensor.data.length} elements of ` +
        `${tensor.data.constructor.name}. Make tensors with hostTensor.`,
    );
  }
  return tensor;
}

/** Runs `fn`; if it fails and had read inputs that are not there, the error names them. */
function call(fn: TensorFunction, ops: Ops<HostTensor>, inputs: Tensors<HostTensor>): Tensors<HostTensor> {
  const missing = new Set<string>();
  const watched = new Proxy(inputs, {
    get: (target, name, receiver) => {
      if (typeof name === 'string' && !Object.hasOwn(target, name)) missing.add(name);
      return Reflect.get(target, name, receiver);
    },
  });
  try {
    return fn(ops, watched);
  } catch (error) {
    if (isDparError(error) || missing.size === 0) throw error;
    const names = (all: Iterable<string>) => [...all].map((name) => `'${name}'`).join(', ') || 'none';
    throw new DparError(
      `run: expected the input ${names(missing)}, got ${names(Object.keys(inputs))}. Pass every input that the function reads.`,
      { cause: error },
    );
  }
}

function write(name: string, value: HostTensor, target: HostTensor): HostTensor {
  if (target.dtype !== value.dtype || !sameShape(target.shape, value.shape)) {
    throw new DparError(
      `run: expected 'into.${name}' of ${formatType(value)}, got ${formatType(target)}. Make it of the output's type.`,
    );
  }
  target.data.set(value.data);
  return target;
}

/** Operations that multiply with constant matrices as a weight format rounds them. */
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
    if (this.disposed)
      throw new DparError('run: expected a live function, got one that was disposed. Compile it again.');
    const values: Record<string, HostTensor> = { ...this.constants };
    const signature: string[] = [];
    for (const [name, tensor] of Object.entries(inputs)) {
      if (Object.hasOwn(this.constants, name)) {
        throw new DparError(`run: expected inputs that are not constants already, got '${name}'. Leave it out here.`);
      }
      values[name] = resolve(name, tensor);
      signature.push(`${name}: ${formatType(values[name])}`);
    }
    const outputs = call(this.fn, this.ops, values);
    this.seen.add(signature.sort().join('; '));
    return outputs;
  }

  async run(inputs: Tensors<HostTensor | DeviceTensor>, { into = {} }: RunOptions = {}): Promise<Tensors<HostTensor>> {
    const outputs = this.evaluate(inputs);
    for (const name of Object.keys(into)) {
      if (!Object.hasOwn(outputs, name)) {
        throw new DparError(
          `run: expected names of outputs in 'into' (${Object.keys(outputs).join(', ')}), got '${name}'.`,
        );
      }
    }
    return Object.fromEntries(
      Object.entries(outputs).map(([name, value]) => {
        const target = into[name];
        return [name, target === undefined ? copyOf(value) : write(name, value, target)];
      }),
    );
  }

  async runOnDevice(inputs: Tensors<HostTensor | DeviceTensor>): Promise<Tensors<DeviceTensor>> {
    const outputs = Object.entries(this.evaluate(inputs));
    return Object.fromEntries(outputs.map(([name, value]) => [name, new ReferenceDeviceTensor(copyOf(value))]));
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }
}

/**
 * The engine that every other is checked against: runs functions directly with {@link referenceOps}. It is slow, and
 * nothing is compiled; `signatures` counts as for other engines.
 */
export function createReferenceEngine(): Engine {
  const compiled: CompiledFunction[] = [];
  return {
    name: 'reference (plain loops)',
    compile: (fn, options = {}) => {
      for (const [name, tensor] of Object.entries(options.constants ?? {})) resolve(name, tensor);
      const result = new ReferenceFunction(fn, options);
      compiled.push(result);
      return result;
    },
    upload: async (tensor) => new ReferenceDeviceTensor(copyOf(resolve('tensor', tensor))),
    dispose: async () => {
      for (const fn of compiled) await fn.dispose();
    },
  };
}
