import {
  DparError,
  type HostTensor,
  hostTensor,
  type RunOptions,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { OrtDeviceTensor } from './device-tensor.js';
import { trace } from './graph/trace.js';
import { outputTensor, overlap, toOrt } from './host-tensor.js';
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
  ) {
    this.writesInPlace = runtime.kind === 'node' && options.preferredOutputLocation === undefined;
  }

  /** Traces the function and makes a session of it. */
  static async build(
    runtime: Runtime,
    options: InferenceSession.SessionOptions,
    fn: TensorFunction,
    inputTypes: Tensors<TensorType>,
    constants: Tensors<HostTensor>,
  ): Promise<Program> {
    const label = fn.name || 'function';
    const traced = trace(fn, inputTypes, constants);
    const { model, outputNames } = lower(traced, { name: label });
    const outputs = Object.entries(traced.outputs).map(([name, { type }]) => ({
      name,
      graphName: outputNames[name] ?? name,
      type,
    }));
    const size = model.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
    const { bytes, externalData } = encodeModel(model, size > largestModel ? externalBytes : undefined);
    const session = await guarded(label, () =>
      runtime.ort.InferenceSession.create(bytes, { ...options, ...(externalData.length > 0 && { externalData }) }),
    );
    return new Program(runtime, options, label, session, outputs);
  }

  /** Runs with outputs in host memory. */
  async run(inputs: Tensors<Tensor>, { into = {} }: RunOptions): Promise<Tensors<HostTensor>> {
    for (const name of Object.keys(into)) {
      if (!this.outputs.some((output) => output.name === name)) {
        const names = this.outputs.map((output) => output.name).join(', ');
        throw new DparError(`run: expected names of outputs in 'into' (${names}), got '${name}'.`);
      }
    }
    const results = this.outputs.map(({ name, type }) => outputTensor(name, type, into[name]));
    if (this.writesInPlace) {
      // What stands in the memory of an input is needed until the run is over.
      const read = Object.values(inputs).map((tensor) => tensor.data as HostTensor['data']);
      const targets = results.map((result) =>
        read.some((data) => overlap(data, result.data)) ? hostTensor(result.dtype, result.shape) : result,
      );
      await this.runSession(
        inputs,
        targets.map((target) => toOrt(this.runtime, target)),
      );
      results.forEach((result, i) => {
        if (targets[i] !== result) result.data.set(targets[i]?.data ?? []);
      });
    } else {
      const found = await this.runSession(inputs);
      for (const [i, tensor] of found.entries()) {
        results[i]?.data.set((await tensor.getData()) as HostTensor['data']);
        if (tensor.location !== 'cpu') tensor.dispose();
      }
    }
    return Object.fromEntries(this.outputs.map(({ name }, i) => [name, results[i] as HostTensor]));
  }

  /** Runs with outputs that stay where they are made. */
  async runOnDevice(inputs: Tensors<Tensor>): Promise<Tensors<OrtDeviceTensor>> {
    const targets = this.outputs.map(({ type }) => toOrt(this.runtime, hostTensor(type.dtype, type.shape)));
    const found = await this.runSession(inputs, this.writesInPlace ? targets : undefined);
    return Object.fromEntries(
      this.outputs.map(({ name, type }, i) => [name, new OrtDeviceTensor(type, found[i] as Tensor)]),
    );
  }

  async dispose(): Promise<void> {
    if (this.options.enableProfiling) this.session.endProfiling();
    await this.session.release();
  }

  /** Runs the session; the outputs in order are `targets`, if these are given. */
  private async runSession(inputs: Tensors<Tensor>, targets?: readonly Tensor[]): Promise<readonly Tensor[]> {
    if (this.outputs.length === 0) return [];
    const { session } = this;
    // Inputs that the function does not read are no inputs of the graph.
    const feeds = Object.fromEntries(session.inputNames.map((name) => [name, inputs[name] as Tensor]));
    const fetches = targets && Object.fromEntries(this.outputs.map(({ graphName }, i) => [graphName, targets[i]]));
    return guarded(this.label, async () => {
      if (fetches) await session.run(feeds, fetches as Record<string, Tensor>);
      const found = targets ? {} : await session.run(feeds);
      return targets ?? this.outputs.map(({ graphName }) => found[graphName] as Tensor);
    });
  }
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
