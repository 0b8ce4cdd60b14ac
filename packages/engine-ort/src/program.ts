import {
  checkOutputNames,
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
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { OrtDeviceTensor } from './device-tensor.js';
import type { DynamicSizes } from './graph/dynamic-sizes.js';
import { type TraceOptions, trace } from './graph/trace.js';
import { overlap, toOrt } from './host-tensor.js';
import { inTurn } from './in-turn.js';
import { lower } from './lower.js';
import { encodeModel } from './onnx/writer.js';
import type { Runtime } from './runtime.js';

interface Output {
  readonly name: string;
  /** Its name in the graph. */
  readonly graphName: string;
  readonly type: TensorType;
}

/** Models whose constants have more bytes than this (the format ends at 2 GiB) get their large ones beside the file. */
const largestModel = 2 ** 30;
const externalBytes = 2 ** 20;

/** What a program is made of. */
export interface ProgramSource extends Pick<TraceOptions, 'constants' | 'dynamic'> {
  readonly fn: TensorFunction;
  readonly inputTypes: Tensors<TensorType>;
  readonly weights: WeightFormat;
  readonly batchInvariant: boolean;
}

/** A function for one signature: a session of ONNX Runtime and what its outputs are. */
export class Program {
  /** onnxruntime-node writes where it is told; onnxruntime-web and graphics processors work in memory of their own. */
  private readonly writesInPlace: boolean;

  private constructor(
    private readonly runtime: Runtime,
    private readonly options: InferenceSession.SessionOptions,
    private readonly label: string,
    private readonly session: InferenceSession,
    private readonly outputs: readonly Output[],
    private readonly dynamic: DynamicSizes,
  ) {
    this.writesInPlace = runtime.kind === 'node' && options.preferredOutputLocation === undefined;
  }

  /** Traces the function and makes a session of it. */
  static async build(
    runtime: Runtime,
    options: InferenceSession.SessionOptions,
    { fn, inputTypes, weights, batchInvariant, ...known }: ProgramSource,
  ): Promise<Program> {
    const label = fn.name || 'function';
    // Kernels sum in blocks of 256 whatever the number of rows, but in longer ones where the rules turn a product round.
    const onProcessor = options.executionProviders?.[0] === 'cpu';
    const traced = trace(fn, inputTypes, {
      ...known,
      forProcessor: onProcessor && weights === 'float32' && !batchInvariant,
    });
    const { model, outputNames } = lower(traced, { name: label, weights, evenRows: onProcessor });
    const outputs = Object.entries(traced.outputs).map(([name, { type }]) => ({
      name,
      graphName: outputNames[name] ?? name,
      type,
    }));
    const size = model.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
    const { bytes, externalData } = encodeModel(model, size > largestModel ? { largest: externalBytes } : {});
    const session = await guarded(label, () =>
      runtime.ort.InferenceSession.create(bytes, { ...options, ...(externalData.length > 0 && { externalData }) }),
    );
    return new Program(runtime, options, label, session, outputs, traced.dynamic);
  }

  /** Runs with outputs in host memory. */
  async run(inputs: Tensors<Tensor>, { into = {} }: RunOptions): Promise<Tensors<HostTensor>> {
    checkOutputNames(
      into,
      this.outputs.map(({ name }) => name),
    );
    const targets = this.targets(inputs, into);
    const found = await this.runSession(inputs, targets);
    const results: Record<string, HostTensor> = {};
    for (const [i, { name, type }] of this.outputs.entries()) {
      const tensor = found[i] as Tensor;
      const given = into[name];
      if (given !== undefined && targets.get(name) === given) results[name] = given;
      else {
        const data = (targets.get(name)?.data ?? (await tensor.getData())) as HostTensor['data'];
        // What has open sizes is only known now.
        results[name] = given
          ? outputTensor(name, { dtype: type.dtype, shape: tensor.dims }, given)
          : resultOf(type, tensor, data);
        if (given) given.data.set(data);
        if (tensor.location !== 'cpu') tensor.dispose();
      }
    }
    return results;
  }

  /** Runs with outputs that stay where they are made. */
  async runOnDevice(inputs: Tensors<Tensor>): Promise<Tensors<OrtDeviceTensor>> {
    const found = await this.runSession(inputs);
    return Object.fromEntries(
      this.outputs.map(({ name, type: { dtype } }, i) => {
        const tensor = found[i] as Tensor;
        return [name, new OrtDeviceTensor({ dtype, shape: tensor.dims }, tensor)];
      }),
    );
  }

  /**
   * Where outputs are written to directly, by name: to the tensors that were given, or beside them where they stand in
   * the memory of an input, which is needed until the run is over. Other outputs are made by the runtime.
   */
  private targets(inputs: Tensors<Tensor>, into: Tensors<HostTensor>): ReadonlyMap<string, HostTensor> {
    const targets = new Map<string, HostTensor>();
    if (!this.writesInPlace) return targets;
    const read = Object.values(inputs).map((tensor) => tensor.data as HostTensor['data']);
    for (const { name, type } of this.outputs) {
      const given = into[name];
      if (given === undefined || type.shape.some((size) => this.dynamic.isOpen(size))) continue;
      const result = outputTensor(name, type, given);
      const shared = read.some((data) => overlap(data, result.data));
      targets.set(name, shared ? hostTensor(result.dtype, result.shape) : result);
    }
    return targets;
  }

  async dispose(): Promise<void> {
    if (this.options.enableProfiling) this.session.endProfiling();
    await this.session.release();
  }

  /** Runs the session, with the outputs in order; those named in `targets` are written there. */
  private async runSession(
    inputs: Tensors<Tensor>,
    targets: ReadonlyMap<string, HostTensor> = new Map(),
  ): Promise<readonly Tensor[]> {
    if (this.outputs.length === 0) return [];
    const { session } = this;
    // Inputs that the function does not read are no inputs of the graph.
    const feeds: Record<string, Tensor> = {};
    for (const name of session.inputNames) feeds[name] = inputs[name] as Tensor;
    const fetches: Record<string, Tensor | null> = {};
    for (const { name, graphName } of this.outputs) {
      const target = targets.get(name);
      fetches[graphName] = target === undefined ? null : toOrt(this.runtime, target);
    }
    return guarded(this.label, async () => {
      const run = (): Promise<InferenceSession.OnnxValueMapType> => session.run(feeds, fetches);
      const found = await (this.runtime.kind === 'web' ? inTurn(run) : run());
      return this.outputs.map(({ graphName }) => found[graphName] as Tensor);
    });
  }
}

/** An output that the runtime made as a host tensor. */
function resultOf({ dtype }: TensorType, { dims }: Tensor, data: HostTensor['data']): HostTensor {
  return { dtype, shape: dims, data } as HostTensor;
}

/** Errors of ONNX Runtime as DparErrors that name the function. */
async function guarded<V>(label: string, call: () => Promise<V>): Promise<V> {
  try {
    return await call();
  } catch (cause) {
    throw new DparError(`run: ONNX Runtime failed in '${label}': ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}
