import { MessageChannel } from 'node:worker_threads';
import { type Calls, openCalls, startWorker } from '@dpar/shards';
import { DparError, type HostTensor, sameShape } from '@dpar/tensor';
import type { InferenceSession } from 'onnxruntime-common';
import { type Device, disableTelemetry, type Runtime, type RuntimeSession, type RuntimeTensor } from '../runtime.js';
import { createRunState, type RunState, stopRuns } from './run-state.js';
import {
  type InputPlace,
  type InputPlaces,
  type OrtRequest,
  type OrtResult,
  type OrtTasks,
  type OrtWorkerData,
  type SentOutput,
  serveOrt,
  viewOf,
} from './tasks.js';

/**
 * Program of the thread, next to this module in the built package. When run from source, it is missing: the same messages are
 * then answered in this thread.
 */
const builtWorker = import.meta.url.endsWith('.ts') ? undefined : new URL('./worker.js', import.meta.url);

/** Threads that the end of the process waits for. */
const threads = new Set<RunState>();

function stopAll(): void {
  for (const state of threads) stopRuns(state);
}

/**
 * Starts onnxruntime-node in a thread. It keeps the process alive only during calls, which it answers in order.
 * @param program Program of the thread; `undefined` to work in this thread.
 * @throws DparError if onnxruntime-node or the thread does not start.
 */
export async function startThreadRuntime(device: Device, program = builtWorker): Promise<Runtime> {
  // The thread has a copy of the environment, but ONNX Runtime reads that of the process.
  disableTelemetry();
  const thread = new OrtThread(program);
  try {
    const { version } = await thread.do('load', { device });
    return {
      kind: 'node',
      version,
      inThread: true,
      createSession: (bytes, options) => createSession(thread, bytes, options),
      // The view keeps the shape and the data of now.
      tensor: ({ dtype, shape, data }) => new HostView({ dtype, shape: [...shape], data } as HostTensor),
      async upload({ dtype, shape, data }) {
        const copy = data.slice();
        const tensor = { dtype, shape, data: copy } as HostTensor;
        return new ThreadTensor(thread, shape, (await thread.do('keep', { tensor }, [copy.buffer])).kept);
      },
      close: () => thread.close(),
    };
  } catch (cause) {
    await thread.close();
    throw new DparError((cause as Error).message, { cause });
  }
}

/** The calling end of the thread. */
class OrtThread {
  private readonly calls: Calls<OrtRequest, OrtResult>;
  private readonly state = createRunState();
  /** Kept tensors that are not used any more, until they are freed together. */
  private unused: number[] = [];
  private ended = false;

  constructor(program: URL | undefined) {
    const { port1, port2: port } = new MessageChannel();
    this.calls = openCalls(port1);
    const data: OrtWorkerData = { port, state: this.state };
    if (program === undefined) {
      serveOrt(data);
      port.unref();
      return;
    }
    if (threads.size === 0) process.on('exit', stopAll);
    threads.add(this.state);
    startWorker(program, data, (reason) => {
      this.forget();
      this.calls.fail(
        new DparError(
          `createOrtEngine: expected a thread that runs ONNX Runtime, got: ${reason}. Create the engine again. Keep ` +
            '@dpar/engine-ort outside of bundles, because the thread is a file of it.',
        ),
      );
    });
  }

  /** Does a task. @param moved Memory of the request that moves to the thread. */
  async do<K extends keyof OrtTasks>(
    task: K,
    request: OrtTasks[K]['request'],
    moved: readonly ArrayBuffer[] = [],
  ): Promise<OrtTasks[K]['result']> {
    return (await this.calls.call({ task, request } as OrtRequest, moved)) as OrtTasks[K]['result'];
  }

  /** Frees a kept tensor, soon. */
  free(kept: number): void {
    if (this.unused.push(kept) > 1) return;
    queueMicrotask(() => {
      // Nothing is left to be freed of a thread that has ended.
      this.do('free', { kept: this.unused }).catch(() => {});
      this.unused = [];
    });
  }

  /** Releases a session, after its tensors that are freed soon. Those of a thread that has ended are gone. */
  async release(session: number): Promise<void> {
    await Promise.resolve();
    if (!this.ended) await this.do('release', { session });
  }

  /** Ends the thread after the tasks so far. It is never terminated, because that aborts the process during a run. */
  async close(): Promise<void> {
    await this.calls.call({ task: 'end' }).catch(() => {});
    this.calls.close(new DparError('run: expected a live engine, got a disposed one. Create another one.'));
    this.forget();
  }

  private forget(): void {
    this.ended = true;
    threads.delete(this.state);
    if (threads.size === 0) process.off('exit', stopAll);
  }
}

/** Tensor in the memory of the calling thread. */
class HostView implements RuntimeTensor {
  readonly location = 'cpu';

  constructor(readonly host: HostTensor) {}

  get dims(): readonly number[] {
    return this.host.shape;
  }

  get data(): HostTensor['data'] {
    return this.host.data;
  }

  get isShared(): boolean {
    return this.data.buffer instanceof SharedArrayBuffer;
  }

  async getData(): Promise<HostTensor['data']> {
    return this.data;
  }

  dispose(): void {}
}

/** Frees tensors that were never disposed. */
const abandoned = new FinalizationRegistry<() => void>((free) => free());

/** Tensor that the thread keeps. */
class ThreadTensor implements RuntimeTensor {
  readonly location = 'thread';

  constructor(
    private readonly thread: OrtThread,
    readonly dims: readonly number[],
    readonly kept: number,
  ) {
    abandoned.register(this, () => thread.free(kept), this);
  }

  get data(): never {
    throw new DparError('DeviceTensor: expected a tensor of this thread, got one of another thread. Call read.');
  }

  async getData(): Promise<HostTensor['data']> {
    return (await this.thread.do('read', { kept: this.kept })).data;
  }

  dispose(): void {
    abandoned.unregister(this);
    this.thread.free(this.kept);
  }
}

async function createSession(
  thread: OrtThread,
  bytes: Uint8Array<ArrayBuffer>,
  { externalData = [], ...options }: InferenceSession.SessionOptions,
): Promise<RuntimeSession> {
  // Large constants are views of the user's memory, which must not move.
  const copies = externalData.map((file) => ({ ...(file as ExternalFile), data: (file as ExternalFile).data.slice() }));
  const { session, inputNames } = await thread.do(
    'create',
    { bytes, options: copies.length > 0 ? { ...options, externalData: copies } : options },
    [bytes.buffer, ...copies.map(({ data }) => data.buffer as ArrayBuffer)],
  );
  let last: SentInputs | undefined;
  return {
    inputNames,
    async run(given, outputs, where) {
      const inputs = given as SentInputs;
      const places = last && samePlaces(last, inputs) ? undefined : placesOf(inputs);
      last = inputs;
      const copied = copiesOf(inputs);
      const request = { session, places, copied, outputs: Object.keys(outputs), where };
      const found = await thread.do('run', request, [copied]);
      return Object.fromEntries(Object.entries(found).map(([name, output]) => [name, received(thread, output)]));
    },
    release: () => thread.release(session),
  };
}

interface ExternalFile {
  readonly path: string;
  readonly data: Uint8Array;
}

/** Inputs of a run by name. Shared memory and tensors of the thread stay where they are; the others are copied. */
type SentInputs = Readonly<Record<string, HostView | ThreadTensor>>;

function isCopied(input: HostView | ThreadTensor): input is HostView {
  return input instanceof HostView && !input.isShared;
}

/** True if the thread finds the inputs of two runs at the same places. */
function samePlaces(a: SentInputs, b: SentInputs): boolean {
  const names = Object.keys(b);
  return names.length === Object.keys(a).length && names.every((name) => samePlace(a[name], b[name]));
}

function samePlace(a: HostView | ThreadTensor | undefined, b: HostView | ThreadTensor | undefined): boolean {
  if (a === b) return true;
  if (!(a instanceof HostView && b instanceof HostView)) return false;
  if (a.host.dtype !== b.host.dtype || !sameShape(a.dims, b.dims) || a.isShared !== b.isShared) return false;
  return !a.isShared || (a.data.buffer === b.data.buffer && a.data.byteOffset === b.data.byteOffset);
}

function placesOf(inputs: SentInputs): InputPlaces {
  const places: Record<string, InputPlace> = {};
  let begin = 0;
  for (const name in inputs) {
    const input = inputs[name] as HostView | ThreadTensor;
    if (input instanceof ThreadTensor) places[name] = { kept: input.kept };
    else if (input.isShared) places[name] = { shared: input.host };
    else {
      places[name] = { type: { dtype: input.host.dtype, shape: input.dims }, begin };
      begin += aligned(input.data.byteLength);
    }
  }
  return places;
}

/** Copies of the inputs in ordinary memory, in order. */
function copiesOf(inputs: SentInputs): ArrayBuffer {
  const copied = Object.values(inputs).filter(isCopied);
  const buffer = new ArrayBuffer(copied.reduce((sum, { data }) => sum + aligned(data.byteLength), 0));
  let begin = 0;
  for (const { host } of copied) {
    viewOf(buffer, begin, host).data.set(host.data);
    begin += aligned(host.data.byteLength);
  }
  return buffer;
}

/** Size in bytes up to the place of the next tensor. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function received(thread: OrtThread, output: SentOutput): RuntimeTensor {
  if ('kept' in output) return new ThreadTensor(thread, output.dims, output.kept);
  const { dims: shape, data } = output;
  return { dims: shape, location: 'cpu', data, getData: async () => data, dispose: () => {} };
}
