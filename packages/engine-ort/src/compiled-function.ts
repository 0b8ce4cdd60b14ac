import {
  type CompiledFunction,
  type CompileOptions,
  checkCompileArguments,
  checkDeviceRunArguments,
  checkLive,
  checkRunArguments,
  type DeviceRunOptions,
  type DeviceTensor,
  DparError,
  type DynamicAxes,
  type HostTensor,
  hostInput,
  type RunOptions,
  sameShape,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import type { InferenceSession } from 'onnxruntime-common';
import type { Gpu } from './gpu.js';
import { DynamicSizes, openTypes } from './graph/dynamic-sizes.js';
import type { Precision } from './lower.js';
import { Program } from './program.js';
import type { Runtime, RuntimeTensor } from './runtime.js';
import { OrtDeviceTensor } from './tensors.js';

/** Input as the runtime reads it. */
interface PreparedInput {
  readonly tensor: RuntimeTensor;
  readonly type: TensorType;
}

/** Program, and the calls that it serves. */
interface CompiledProgram {
  /** Place of the outputs, and names and types of the inputs, with names in place of open sizes. */
  readonly signature: string;
  readonly dynamic: DynamicSizes;
  /** Promise of the program. Calls during compilation wait for it too. */
  readonly program: Promise<Program>;
}

/** Function and its programs, one for each signature. */
export class OrtFunction implements CompiledFunction {
  private readonly programs: CompiledProgram[] = [];
  /** Types of the last call, and its program. Generation repeats them for many calls. */
  private last:
    | { readonly types: Tensors<TensorType>; readonly place: string; readonly program: Promise<Program> }
    | undefined;
  /** Host tensors that were inputs before, as long as they live. Generation passes the same ones again and again. */
  private readonly prepared = new WeakMap<HostTensor, PreparedInput>();
  private disposed = false;

  constructor(
    private readonly runtime: Runtime,
    /** Returns the options of a new session. */
    private readonly session: () => InferenceSession.SessionOptions,
    private readonly fn: TensorFunction,
    private readonly options: CompileOptions,
    /** For a device whose outputs stay in its memory; undefined if they are where the runtime is. */
    private readonly gpu: Gpu | undefined,
    private readonly precision: Precision,
  ) {
    checkCompileArguments(fn, options);
  }

  get signatures(): number {
    return this.programs.length;
  }

  async run(inputs: Tensors<HostTensor | DeviceTensor>, options: RunOptions = {}): Promise<Tensors<HostTensor>> {
    checkRunArguments(inputs, options);
    return this.call(inputs, undefined, (program, tensors) => program.run(tensors, options));
  }

  async runOnDevice(
    inputs: Tensors<HostTensor | DeviceTensor>,
    options: DeviceRunOptions = {},
  ): Promise<Tensors<DeviceTensor>> {
    checkDeviceRunArguments(inputs, options);
    const { gpu } = this;
    const toHost = gpu && (options.toHost ?? []);
    return this.call(inputs, toHost, (program, tensors) => program.runOnDevice(tensors, options, gpu));
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.last = undefined;
    const programs = this.programs.splice(0).map(({ program }) => program);
    for (const program of await Promise.allSettled(programs)) {
      if (program.status === 'fulfilled') await program.value.dispose();
    }
  }

  /** Calls the program of some inputs. Their memory is kept until it ends. @param toHost As for a program's source. */
  private async call<V>(
    inputs: Tensors<HostTensor | DeviceTensor>,
    toHost: readonly string[] | undefined,
    run: (program: Program, tensors: Tensors<RuntimeTensor>) => Promise<V>,
  ): Promise<V> {
    checkLive('function', this.disposed);
    const types: Record<string, TensorType> = {};
    const tensors: Record<string, RuntimeTensor> = {};
    const entered: OrtDeviceTensor[] = [];
    try {
      for (const name in inputs) {
        const input = inputs[name] as HostTensor | DeviceTensor;
        const { tensor, type } = this.input(name, input);
        if (input instanceof OrtDeviceTensor) entered.push(input);
        types[name] = type;
        tensors[name] = tensor;
      }
      await this.gpu?.open();
      return await run(await this.programOf(types, toHost), tensors);
    } finally {
      for (const tensor of entered) tensor.leave();
    }
  }

  /** Program of some inputs, often that of the last call. */
  private programOf(types: Tensors<TensorType>, toHost: readonly string[] | undefined): Promise<Program> {
    const place = toHost === undefined ? 'host' : `device, and to the host ${toHost}`;
    if (this.last?.place !== place || !sameTypes(this.last.types, types)) {
      this.last = { types, place, program: this.program(types, toHost, place) };
      // A program that failed is not kept.
      this.last.program.catch(() => {
        this.last = undefined;
      });
    }
    return this.last.program;
  }

  private input(name: string, input: HostTensor | DeviceTensor): PreparedInput {
    if (input instanceof OrtDeviceTensor) return { tensor: input.enter(), type: input.type };
    const known = this.prepared.get(input as HostTensor);
    // A tensor whose data were replaced, as after a transfer of its memory, is prepared again.
    if (known && known.tensor.data === (input as HostTensor).data) return known;
    const host = hostInput(name, input);
    const prepared = { tensor: this.runtime.tensor(host), type: { dtype: host.dtype, shape: host.shape } };
    this.prepared.set(host, prepared);
    return prepared;
  }

  private program(types: Tensors<TensorType>, toHost: readonly string[] | undefined, place: string): Promise<Program> {
    const sizes = dynamicSizes(types, this.options.dynamicAxes ?? {});
    let signature = `${place}: `;
    for (const name of Object.keys(types).sort())
      signature += `${name}: ${this.signatureOf(name, types[name] as TensorType)}; `;
    const known = this.programs.find((program) => program.signature === signature && program.dynamic.serves(sizes));
    if (known) return known.program;
    const dynamic = new DynamicSizes(sizes);
    const { constants = {}, weights = 'float32', batchInvariant = false } = this.options;
    const source = {
      fn: this.fn,
      inputTypes: openTypes(types, this.options.dynamicAxes ?? {}, dynamic),
      constants,
      weights,
      batchInvariant,
      toHost,
      precision: this.precision,
      dynamic,
    };
    const compiled = { signature, dynamic, program: Program.build(this.runtime, this.session(), source) };
    this.programs.push(compiled);
    // A program that failed is not kept: the next call reports the error again.
    compiled.program.catch(() => this.programs.splice(this.programs.indexOf(compiled), 1));
    return compiled.program;
  }

  /** Type of an input, with names in place of open sizes. */
  private signatureOf(name: string, { dtype, shape }: TensorType): string {
    const axes = this.options.dynamicAxes?.[name];
    return `${dtype}[${axes ? shape.map((size, axis) => axes[axis] ?? size) : shape}]`;
  }
}

/** True if two calls have inputs of the same names and types. */
function sameTypes(a: Tensors<TensorType>, b: Tensors<TensorType>): boolean {
  let inputs = 0;
  for (const name in a) {
    const [one, other] = [a[name] as TensorType, b[name]];
    if (other === undefined || one.dtype !== other.dtype || !sameShape(one.shape, other.shape)) return false;
    inputs++;
  }
  for (const _ in b) inputs--;
  return inputs === 0;
}

/** Sizes of the dynamic axes by name. @throws DparError if two axes of one name differ. */
function dynamicSizes(types: Tensors<TensorType>, axes: DynamicAxes): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const input in axes) {
    const shape = types[input]?.shape;
    if (shape === undefined) continue;
    for (const axis in axes[input]) {
      const name = axes[input][Number(axis)] as string;
      const size = shape[Number(axis)] as number;
      const known = sizes.get(name);
      if (known !== undefined && known !== size) {
        throw new DparError(
          `run: expected one size '${name}', got ${known} and, for axis ${axis} of '${input}', ${size}. Check 'dynamicAxes'.`,
        );
      }
      sizes.set(name, size);
    }
  }
  return sizes;
}
