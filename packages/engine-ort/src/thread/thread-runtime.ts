import { MessageChannel } from 'node:worker_threads';
import { type Calls, openCalls, startWorker } from '@dpar/shards';
import { DparError, type HostTensor } from '@dpar/tensor';
import type { InferenceSession } from 'onnxruntime-common';
import { type Device, disableTelemetry, type Runtime, type RuntimeSession, type RuntimeTensor } from '../runtime.js';
import { createRunState, type RunState, stopRuns } from './run-state.js';
import {
  copyTo,
  type OrtRequest,
  type OrtResult,
  type OrtTasks,
  type OrtWorkerData,
  type SentOutput,
  type SentTensor,
  serveOrt,
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
      tensor: (host) => new HostView(host),
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

  /** Releases a session. Those of a thread that has ended are gone. */
  async release(session: number): Promise<void> {
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

  async getData(): Promise<HostTensor['data']> {
    return this.host.data;
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
  return {
    inputNames,
    async run(inputs, outputs, where) {
      const { sent, moved } = sendInputs(inputs);
      const found = await thread.do('run', { session, inputs: sent, outputs: Object.keys(outputs), where }, moved);
      return Object.fromEntries(Object.entries(found).map(([name, output]) => [name, received(thread, output)]));
    },
    release: () => thread.release(session),
  };
}

interface ExternalFile {
  readonly path: string;
  readonly data: Uint8Array;
}

/** Inputs in a message. Shared memory and tensors of the thread stay where they are; all others are copied to one buffer. */
function sendInputs(inputs: Readonly<Record<string, RuntimeTensor>>): {
  readonly sent: Readonly<Record<string, SentTensor>>;
  readonly moved: readonly ArrayBuffer[];
} {
  const sent: Record<string, SentTensor> = {};
  const copied: [name: string, host: HostTensor][] = [];
  let length = 0;
  for (const name in inputs) {
    const input = inputs[name] as HostView | ThreadTensor;
    if (input instanceof ThreadTensor) sent[name] = { kept: input.kept };
    else if (input.data.buffer instanceof SharedArrayBuffer) sent[name] = input.host;
    else {
      copied.push([name, input.host]);
      length += aligned(input.data.byteLength);
    }
  }
  const buffer = new ArrayBuffer(length);
  let begin = 0;
  for (const [name, host] of copied) {
    sent[name] = copyTo(buffer, begin, host);
    begin += aligned(host.data.byteLength);
  }
  return { sent, moved: [buffer] };
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
