import {
  DparError,
  type HostTensor,
  type RunOptions,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { OrtDeviceTensor } from './device-tensor.js';
import { trace } from './graph/trace.js';
import { outputTensor, toOrt } from './host-tensor.js';
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
  private constructor(
    private readonly runtime: Runtime,
    private readonly label: string,
    private readonly session: InferenceSession,
    private readonly outputs: readonly Output[],
    private readonly profiled: boolean,
  ) {}

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
    return new Program(runtime, label, session, outputs, options.enableProfiling ?? false);
  }

  /** Runs with outputs in host memory. */
  async run(inputs: Tensors<Tensor>, { into = {} }: RunOptions): Promise<Tensors<HostTensor>> {
    for (const name of Object.keys(into)) {
      if (!this.outputs.some((output) => output.name === name)) {
        const names = this.outputs.map((output) => output.name).join(', ');
        throw new DparError(`run: expected names of outputs in 'into' (${names}), got '${name}'.`);
      }
    }
    const results: Record<string, HostTensor> = {};
    const targets: Record<string, Tensor> = {};
    for (const { name, graphName, type } of this.outputs) {
      const target = outputTensor(name, type, into[name]);
      results[name] = target;
      targets[graphName] = toOrt(this.runtime, target);
    }
    // onnxruntime-node writes where it is told; onnxruntime-web works on copies in its own memory.
    const inPlace = this.runtime.kind === 'node';
    const found = await this.runSession(inputs, inPlace ? targets : undefined);
    if (inPlace) return results;
    for (const { name, graphName } of this.outputs) {
      const tensor = found[graphName] as Tensor;
      results[name]?.data.set((await tensor.getData()) as Float32Array | Int32Array | Uint8Array);
      if (tensor.location !== 'cpu') tensor.dispose();
    }
    return results;
  }

  /** Runs with outputs that stay where they are made. */
  async runOnDevice(inputs: Tensors<Tensor>): Promise<Tensors<OrtDeviceTensor>> {
    const found = await this.runSession(inputs, undefined);
    return Object.fromEntries(
      this.outputs.map(({ name, graphName, type }) => [name, new OrtDeviceTensor(type, found[graphName] as Tensor)]),
    );
  }

  async dispose(): Promise<void> {
    if (this.profiled) this.session.endProfiling();
    await this.session.release();
  }

  private async runSession(
    inputs: Tensors<Tensor>,
    targets: Tensors<Tensor> | undefined,
  ): Promise<InferenceSession.ReturnType> {
    if (this.outputs.length === 0) return {};
    // Inputs that the function does not read are no inputs of the graph.
    const feeds = Object.fromEntries(this.session.inputNames.map((name) => [name, inputs[name] as Tensor]));
    return guarded(this.label, () => (targets ? this.session.run(feeds, targets) : this.session.run(feeds)));
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
