import type { MessagePort } from 'node:worker_threads';
import { type Answer, answerCalls } from '@dpar/shards';
import { DparError, type HostTensor, hostTensor, sameShape, sizeOf, type TensorType } from '@dpar/tensor';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { type Device, loadOrt, type OrtModule, toOrt, versionOf } from '../runtime.js';
import { type RunState, running } from './run-state.js';

/**
 * Place of an input: shared memory, bytes of the memory that comes with the call, or the number of a tensor that the thread
 * keeps.
 */
export type InputPlace =
  | { readonly kept: number }
  | { readonly shared: HostTensor }
  | { readonly type: TensorType; readonly begin: number };

/** Places of all inputs of a run by name. */
export type InputPlaces = Readonly<Record<string, InputPlace>>;

/** Output in a message. */
export type SentOutput = { readonly dims: readonly number[] } & (
  | { readonly data: HostTensor['data'] }
  | { readonly kept: number }
);

/** Start data of the thread. */
export interface OrtWorkerData {
  readonly port: MessagePort;
  readonly state: RunState;
}

/** Tasks of the thread, each with its request and its result. */
export interface OrtTasks {
  /** Loads onnxruntime-node. */
  readonly load: { readonly request: { readonly device: Device }; readonly result: { readonly version: string } };
  /** Creates a session. */
  readonly create: {
    readonly request: { readonly bytes: Uint8Array<ArrayBuffer>; readonly options: InferenceSession.SessionOptions };
    readonly result: { readonly session: number; readonly inputNames: readonly string[] };
  };
  /** Runs a session. */
  readonly run: {
    readonly request: {
      readonly session: number;
      /** Undefined if the places are those of the session's last run. */
      readonly places: InputPlaces | undefined;
      /** Inputs that are copied for this call. */
      readonly copied: ArrayBuffer;
      readonly outputs: readonly string[];
      readonly where: 'host' | 'device';
    };
    readonly result: Readonly<Record<string, SentOutput>>;
  };
  /** Keeps a tensor. */
  readonly keep: { readonly request: { readonly tensor: HostTensor }; readonly result: { readonly kept: number } };
  /** Copies the data of a kept tensor. */
  readonly read: {
    readonly request: { readonly kept: number };
    readonly result: { readonly data: HostTensor['data'] };
  };
  /** Forgets kept tensors. */
  readonly free: { readonly request: { readonly kept: readonly number[] }; readonly result: undefined };
  /** Releases a session, and writes its profile. */
  readonly release: { readonly request: { readonly session: number }; readonly result: undefined };
}

/** Request for one of the tasks, or for the end of the thread. */
export type OrtRequest =
  | { readonly [K in keyof OrtTasks]: { readonly task: K; readonly request: OrtTasks[K]['request'] } }[keyof OrtTasks]
  | { readonly task: 'end' };

/** Result of one of the tasks. */
export type OrtResult = OrtTasks[keyof OrtTasks]['result'];

/** Does the tasks that come through a port, one after the other, until one is `end`. */
export function serveOrt({ port, state }: OrtWorkerData): void {
  const server = new OrtServer();
  answerCalls(port, async (request: OrtRequest): Promise<Answer<OrtResult>> => {
    if (request.task !== 'end') return running(state, () => server.answer(request));
    // The answer is sent first.
    setImmediate(() => port.close());
    return { content: undefined, moved: [] };
  });
}

interface Session {
  readonly session: InferenceSession;
  readonly profiles: boolean;
  /** Inputs of the last run. */
  inputs: SessionInputs | undefined;
}

/** Sessions and tensors of the thread. */
class OrtServer {
  private ort: OrtModule | undefined;
  private readonly sessions = new Map<number, Session>();
  private readonly tensors = new Map<number, Tensor>();
  private next = 0;

  async answer(request: Exclude<OrtRequest, { task: 'end' }>): Promise<Answer<OrtResult>> {
    switch (request.task) {
      case 'load':
        this.ort = await loadOrt('node', request.request.device);
        return { content: { version: versionOf('node', this.ort) }, moved: [] };
      case 'create':
        return { content: await this.create(request.request), moved: [] };
      case 'run':
        return this.run(request.request);
      case 'keep':
        return { content: { kept: this.keep(toOrt(this.module, request.request.tensor)) }, moved: [] };
      case 'read': {
        const data = ((await this.kept(request.request.kept).getData()) as HostTensor['data']).slice();
        return { content: { data }, moved: [data.buffer] };
      }
      case 'free':
        for (const kept of request.request.kept) this.free(kept);
        return { content: undefined, moved: [] };
      case 'release':
        await this.release(request.request.session);
        return { content: undefined, moved: [] };
    }
  }

  private get module(): OrtModule {
    if (this.ort === undefined) throw new DparError("OrtServer: expected the task 'load' first, got none. Send it.");
    return this.ort;
  }

  private async create({ bytes, options }: OrtTasks['create']['request']): Promise<OrtTasks['create']['result']> {
    const session = await this.module.InferenceSession.create(bytes, options);
    const number = this.next++;
    this.sessions.set(number, { session, profiles: options.enableProfiling === true, inputs: undefined });
    return { session: number, inputNames: session.inputNames };
  }

  private async run(request: OrtTasks['run']['request']): Promise<Answer<OrtTasks['run']['result']>> {
    const session = this.sessions.get(request.session) as Session;
    const { places, copied } = request;
    if (places !== undefined) {
      const { inputs } = session;
      session.inputs = undefined;
      const make = { tensor: (host: HostTensor) => toOrt(this.module, host), kept: (kept: number) => this.kept(kept) };
      session.inputs = new SessionInputs(places, copied.byteLength, make, inputs);
    }
    const inputs = session.inputs as SessionInputs;
    inputs.fill(copied);
    const found = await session.session.run(inputs.feeds, request.outputs);
    const content: Record<string, SentOutput> = {};
    const moved: ArrayBuffer[] = [];
    for (const name of request.outputs) {
      const tensor = found[name] as Tensor;
      const { dims } = tensor;
      if (request.where === 'device') content[name] = { dims, kept: this.keep(tensor) };
      else {
        const data = (await tensor.getData()) as HostTensor['data'];
        content[name] = { dims, data };
        moved.push(data.buffer as ArrayBuffer);
      }
    }
    return { content, moved };
  }

  private keep(tensor: Tensor): number {
    this.tensors.set(this.next, tensor);
    return this.next++;
  }

  private kept(kept: number): Tensor {
    return this.tensors.get(kept) as Tensor;
  }

  private free(kept: number): void {
    const tensor = this.tensors.get(kept);
    if (tensor !== undefined && tensor.location !== 'cpu') tensor.dispose();
    this.tensors.delete(kept);
  }

  private async release(number: number): Promise<void> {
    const { session, profiles } = this.sessions.get(number) as Session;
    this.sessions.delete(number);
    if (profiles) session.endProfiling();
    await session.release();
  }
}

/** Shared tensor, and its copy as a tensor of ONNX Runtime. */
interface SharedInput {
  readonly from: HostTensor;
  readonly to: HostTensor;
  readonly tensor: Tensor;
}

/**
 * Tensors of a session's inputs. They are in memory of the thread, because onnxruntime-node refuses shared memory. It is used
 * again for later runs, because new memory costs more than a copy.
 */
class SessionInputs {
  readonly feeds: Readonly<Record<string, Tensor>>;
  private readonly shared = new Map<string, SharedInput>();
  private readonly copied: Uint8Array;

  /** @param before Inputs whose memory may be used. */
  constructor(
    places: InputPlaces,
    copiedBytes: number,
    make: { readonly tensor: (host: HostTensor) => Tensor; readonly kept: (kept: number) => Tensor },
    before: SessionInputs | undefined,
  ) {
    const feeds: Record<string, Tensor> = {};
    const buffer = new ArrayBuffer(copiedBytes);
    for (const [name, place] of Object.entries(places)) {
      if ('kept' in place) feeds[name] = make.kept(place.kept);
      else if ('shared' in place) {
        const from = place.shared;
        const known = before?.shared.get(name);
        const to = known && sameType(known.to, from) ? known.to : hostTensor(from.dtype, from.shape);
        const tensor = known?.to === to ? known.tensor : make.tensor(to);
        this.shared.set(name, { from, to, tensor });
        feeds[name] = tensor;
      } else feeds[name] = make.tensor(viewOf(buffer, place.begin, place.type));
    }
    this.feeds = feeds;
    this.copied = new Uint8Array(buffer);
  }

  /** Reads the inputs of a run. */
  fill(copied: ArrayBuffer): void {
    for (const { from, to } of this.shared.values()) to.data.set(from.data);
    this.copied.set(new Uint8Array(copied));
  }
}

function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** Host tensor over a part of a buffer. */
export function viewOf(buffer: ArrayBuffer, begin: number, { dtype, shape }: TensorType): HostTensor {
  const View = hostTensor(dtype, [0]).data.constructor as new (
    buffer: ArrayBuffer,
    begin: number,
    length: number,
  ) => HostTensor['data'];
  return { dtype, shape, data: new View(buffer, begin, sizeOf(shape)) } as HostTensor;
}
