import {
  checkOutputNames,
  type DeviceRunOptions,
  DparError,
  type HostTensor,
  hostTensor,
  outputTensor,
  type RunOptions,
  type TensorFunction,
  type Tensors,
  type TensorType,
  type WeightFormat,
} from '@dpar/tensor';
import type { InferenceSession } from 'onnxruntime-common';
import type { Gpu } from './gpu.js';
import type { DynamicSizes } from './graph/dynamic-sizes.js';
import { rewrite, type TraceOptions, trace } from './graph/trace.js';
import { lower, type Precision } from './lower.js';
import { processorRules } from './matmul.js';
import { encodeModel } from './onnx/writer.js';
import type { Runtime, RuntimeSession, RuntimeTensor } from './runtime.js';
import { OrtDeviceTensor, overlap } from './tensors.js';

interface Output {
  readonly name: string;
  /** Name in the graph. */
  readonly graphName: string;
  readonly type: TensorType;
}

/** Limit in bytes for constants inside the model; the format ends at 2 GiB. Above it, large constants lie outside. */
const largestModel = 2 ** 30;

/** Size in bytes from which a constant is large. */
const externalBytes = 2 ** 20;

/** Function and settings that a program is built from. */
export interface ProgramSource extends Pick<TraceOptions, 'constants' | 'dynamic'> {
  readonly fn: TensorFunction;
  readonly inputTypes: Tensors<TensorType>;
  readonly weights: WeightFormat;
  readonly batchInvariant: boolean;
  /** Outputs that a GPU copies to the host; the others stay in its memory. Undefined if all outputs are for the host. */
  readonly toHost: readonly string[] | undefined;
  readonly precision: Precision;
}

/** Function compiled for one signature: a session of ONNX Runtime and the types of its outputs. */
export class Program {
  /** True for onnxruntime-node, which writes to given outputs. onnxruntime-web and threads have their own memory. */
  private readonly writesInPlace: boolean;
  private readonly outputNames: readonly string[];
  /** Outputs in the memory of a GPU that are not freed yet. */
  private kept = 0;
  private disposed = false;

  private constructor(
    private readonly runtime: Runtime,
    private readonly label: string,
    private readonly session: RuntimeSession,
    private readonly outputs: readonly Output[],
    private readonly dynamic: DynamicSizes,
  ) {
    this.writesInPlace = runtime.kind === 'node' && !runtime.inThread;
    this.outputNames = outputs.map(({ name }) => name);
  }

  /** Traces the function, rewrites it for the CPU's kernels, and creates a session. */
  static async build(
    runtime: Runtime,
    options: InferenceSession.SessionOptions,
    { fn, inputTypes, weights, batchInvariant, toHost, precision, ...known }: ProgramSource,
  ): Promise<Program> {
    const label = fn.name || 'function';
    const [device] = options.executionProviders ?? [];
    const onProcessor = device === 'cpu';
    const plain = trace(fn, inputTypes, known);
    // The rules change the order of sums with the number of rows, so batch-invariant functions go without.
    const traced = onProcessor && weights === 'float32' && !batchInvariant ? rewrite(plain, processorRules) : plain;
    const { model, outputNames } = lower(traced, {
      name: label,
      weights,
      evenRows: onProcessor,
      webgpu: device === 'webgpu',
      // Which products compute in float16 depends on the number of rows.
      precision: batchInvariant ? 'float32' : precision,
    });
    const outputs = Object.entries(traced.outputs).map(([name, { type }]) => ({
      name,
      graphName: outputNames[name] ?? name,
      type,
    }));
    const stays = outputs.filter(({ name }) => toHost !== undefined && !toHost.includes(name));
    const places = Object.fromEntries(stays.map(({ graphName }) => [graphName, 'gpu-buffer' as const]));
    const size = model.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
    const { bytes, externalData } = encodeModel(model, size > largestModel ? { largest: externalBytes } : {});
    const session = await guarded(label, () =>
      runtime.createSession(bytes, {
        ...options,
        ...(externalData.length > 0 && { externalData }),
        ...(stays.length > 0 && { preferredOutputLocation: places }),
      }),
    );
    return new Program(runtime, label, session, outputs, traced.dynamic);
  }

  /** Runs, with outputs in host memory. */
  async run(inputs: Tensors<RuntimeTensor>, { into = {} }: RunOptions): Promise<Tensors<HostTensor>> {
    checkOutputNames('into', Object.keys(into), this.outputNames);
    const targets = this.targets(inputs, into);
    const found = await this.runSession(inputs, 'host', targets);
    const results: Record<string, HostTensor> = {};
    for (const [i, { name, type }] of this.outputs.entries()) {
      const tensor = found[i] as RuntimeTensor;
      const given = into[name];
      if (given !== undefined && targets.get(name) === given) results[name] = given;
      else {
        const data = (targets.get(name)?.data ?? (await tensor.getData())) as HostTensor['data'];
        // Open sizes are known only now.
        results[name] = given
          ? outputTensor(name, { dtype: type.dtype, shape: tensor.dims }, given)
          : resultOf(type, tensor, data);
        if (given) given.data.set(data);
        if (tensor.location !== 'cpu') tensor.dispose();
      }
    }
    return results;
  }

  /** Runs, with outputs that stay on the device. @param gpu Takes those in the memory of a GPU. */
  async runOnDevice(
    inputs: Tensors<RuntimeTensor>,
    { toHost = [] }: DeviceRunOptions,
    gpu: Gpu | undefined,
  ): Promise<Tensors<OrtDeviceTensor>> {
    checkOutputNames('toHost', toHost, this.outputNames);
    const found = await this.runSession(inputs, 'device');
    return Object.fromEntries(
      this.outputs.map(({ name, type: { dtype } }, i) => {
        const tensor = found[i] as RuntimeTensor;
        const type = { dtype, shape: tensor.dims };
        if (gpu === undefined || toHost.includes(name)) return [name, new OrtDeviceTensor(type, tensor)];
        this.kept++;
        return [name, gpu.keep(type, tensor, () => this.freed())];
      }),
    );
  }

  /** One of the outputs in the memory of a GPU is freed. */
  private freed(): void {
    this.kept--;
    if (this.disposed && this.kept === 0) void this.session.release();
  }

  /**
   * Tensors that the session writes outputs to, by name. They are the given ones, or new ones in place of those that share
   * memory with an input, which is read until the run ends. The runtime makes all other outputs.
   */
  private targets(inputs: Tensors<RuntimeTensor>, into: Tensors<HostTensor>): ReadonlyMap<string, HostTensor> {
    const targets = new Map<string, HostTensor>();
    if (!this.writesInPlace) return targets;
    const read = Object.values(inputs)
      .filter(({ location }) => location === 'cpu')
      .map((tensor) => tensor.data as HostTensor['data']);
    for (const { name, type } of this.outputs) {
      const given = into[name];
      if (given === undefined || type.shape.some((size) => this.dynamic.isOpen(size))) continue;
      const result = outputTensor(name, type, given);
      const shared = read.some((data) => overlap(data, result.data));
      targets.set(name, shared ? hostTensor(result.dtype, result.shape) : result);
    }
    return targets;
  }

  /** Frees the session, after its outputs in the memory of a GPU: those that outlive it would end the process. */
  async dispose(): Promise<void> {
    this.disposed = true;
    if (this.kept === 0) await this.session.release();
  }

  /** Runs the session and returns its outputs in order. Those in `targets` are written there. */
  private async runSession(
    inputs: Tensors<RuntimeTensor>,
    where: 'host' | 'device',
    targets: ReadonlyMap<string, HostTensor> = new Map(),
  ): Promise<readonly RuntimeTensor[]> {
    if (this.outputs.length === 0) return [];
    const { session } = this;
    // The graph lacks inputs that the function does not read.
    const feeds: Record<string, RuntimeTensor> = {};
    for (const name of session.inputNames) feeds[name] = inputs[name] as RuntimeTensor;
    const fetches: Record<string, RuntimeTensor | null> = {};
    for (const { name, graphName } of this.outputs) {
      const target = targets.get(name);
      fetches[graphName] = target === undefined ? null : this.runtime.tensor(target);
    }
    return guarded(this.label, async () => {
      const found = await session.run(feeds, fetches, where);
      return this.outputs.map(({ graphName }) => found[graphName] as RuntimeTensor);
    });
  }
}

/** Output made by the runtime, as a host tensor. */
function resultOf({ dtype }: TensorType, { dims }: RuntimeTensor, data: HostTensor['data']): HostTensor {
  return { dtype, shape: dims, data } as HostTensor;
}

/** Turns errors of ONNX Runtime into DparErrors that name the function. */
async function guarded<V>(label: string, call: () => Promise<V>): Promise<V> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof DparError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    const withoutGpu = /Failed to get a WebGPU adapter: (.*)/.exec(message);
    if (withoutGpu) {
      throw new DparError(
        `run: expected a GPU for the device 'webgpu', got none (${withoutGpu[1]}). ` +
          "Install its driver (on Linux: Vulkan; Mesa 25 has one that needs no GPU), or use the device 'cpu'.",
        { cause },
      );
    }
    if (/requires f16 but the device does not support it/.test(message)) {
      throw new DparError(
        "run: expected a GPU with the WebGPU feature 'shader-f16' for the precision 'float16', got one without it. " +
          "Use the precision 'float32', or install a newer driver.",
        { cause },
      );
    }
    throw new DparError(`run: ONNX Runtime failed in '${label}': ${message}`, { cause });
  }
}
