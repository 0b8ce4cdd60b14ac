import type { MessagePort } from 'node:worker_threads';
import { type Answer, answerCalls } from '@dpar/shards';
import { DparError, type HostTensor } from '@dpar/tensor';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { type Device, loadOrt, type OrtModule, toOrt, versionOf } from '../runtime.js';
import { type RunState, running } from './run-state.js';

/** Tensor in a message: its data, which have moved or are shared, or the number of a tensor that the thread keeps. */
export type SentTensor = HostTensor | { readonly kept: number };

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
      readonly inputs: Readonly<Record<string, SentTensor>>;
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
}

/** Sessions and tensors of the thread. */
class OrtServer {
  private ort: OrtModule | undefined;
  private readonly sessions = new Map<number, Session>();
  private readonly tensors = new Map<number, Tensor>();
  private readonly copies = new CopyBuffer();
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
    this.sessions.set(number, { session, profiles: options.enableProfiling === true });
    return { session: number, inputNames: session.inputNames };
  }

  private async run(request: OrtTasks['run']['request']): Promise<Answer<OrtTasks['run']['result']>> {
    const { session } = this.sessions.get(request.session) as Session;
    this.copies.clear();
    const feeds: Record<string, Tensor> = {};
    for (const name in request.inputs) feeds[name] = this.input(request.inputs[name] as SentTensor);
    const found = await session.run(feeds, request.outputs);
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

  private input(sent: SentTensor): Tensor {
    if ('kept' in sent) return this.kept(sent.kept);
    return toOrt(this.module, sent.data.buffer instanceof SharedArrayBuffer ? this.copies.copy(sent) : sent);
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

/** Memory for copies of shared inputs, which onnxruntime-node refuses. It is kept, because new memory costs more than a copy. */
class CopyBuffer {
  private buffer = new ArrayBuffer(0);
  private used = 0;

  /** Gives the memory of all copies free. */
  clear(): void {
    this.used = 0;
  }

  copy(tensor: HostTensor): HostTensor {
    // A line of the processor's cache.
    const begin = Math.ceil(this.used / 64) * 64;
    this.used = begin + tensor.data.byteLength;
    if (this.used > this.buffer.byteLength) this.buffer = new ArrayBuffer(2 * this.used);
    return copyTo(this.buffer, begin, tensor);
  }
}

/** Copies a tensor to a buffer, from a byte on. */
export function copyTo(buffer: ArrayBuffer, begin: number, { dtype, shape, data }: HostTensor): HostTensor {
  const View = data.constructor as new (buffer: ArrayBuffer, begin: number, length: number) => HostTensor['data'];
  const copy = new View(buffer, begin, data.length);
  copy.set(data);
  return { dtype, shape, data: copy } as HostTensor;
}
