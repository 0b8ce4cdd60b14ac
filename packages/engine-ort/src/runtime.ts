import { DparError, type HostTensor } from '@dpar/tensor';
import type { env, InferenceSession, InferenceSessionFactory, Tensor, TensorConstructor } from 'onnxruntime-common';

/** Names of all devices. */
export const devices = ['cpu', 'webgpu', 'cuda'] as const;

/** Device that an engine computes on. */
export type Device = (typeof devices)[number];

/** Package that runs the graphs: onnxruntime-node or onnxruntime-web. */
export type RuntimeKind = 'node' | 'web';

/** Common part of onnxruntime-node and onnxruntime-web. */
export interface OrtModule {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
  readonly env: typeof env;
}

/** Tensor as a runtime holds it: the part of ONNX Runtime's `Tensor` that engines use. */
export interface RuntimeTensor extends Pick<Tensor, 'dims' | 'data' | 'getData' | 'dispose'> {
  /** `cpu` for memory of the calling thread, which the garbage collector frees. */
  readonly location: Tensor.DataLocation | 'thread';
}

/** Graph that is ready to run. */
export interface RuntimeSession {
  /** Names of the inputs that the graph reads. */
  readonly inputNames: readonly string[];
  /**
   * Runs the graph.
   * @param outputs Names of the outputs, each with the tensor to write it to or null.
   * @param where `device` leaves outputs where the runtime computes.
   */
  run(
    inputs: Readonly<Record<string, RuntimeTensor>>,
    outputs: Readonly<Record<string, RuntimeTensor | null>>,
    where: 'host' | 'device',
  ): Promise<Readonly<Record<string, RuntimeTensor>>>;
  /** Frees the session. A profile is written first. */
  release(): Promise<void>;
}

/** Runtime that runs graphs, in this thread or in another one. */
export interface Runtime {
  readonly kind: RuntimeKind;
  readonly version: string;
  /** True if it runs in a thread of its own. */
  readonly inThread: boolean;
  /** Creates a session of an ONNX file. The memory of `bytes` may move to the runtime. */
  createSession(bytes: Uint8Array<ArrayBuffer>, options: InferenceSession.SessionOptions): Promise<RuntimeSession>;
  /** Tensor over the memory of a host tensor. */
  tensor(tensor: HostTensor): RuntimeTensor;
  /** Copies a tensor to where the runtime computes. */
  upload(tensor: HostTensor): Promise<RuntimeTensor>;
  /** Ends a thread. Sessions are released before. */
  close(): Promise<void>;
}

/** Default runtime: `node` in Node, `web` elsewhere. */
export function defaultRuntime(): RuntimeKind {
  return typeof process === 'object' && typeof process.versions?.node === 'string' ? 'node' : 'web';
}

/**
 * Loads the package that runs the graphs. Only that package must be installed.
 * @throws DparError that names the package if it is missing or does not start.
 */
export async function loadOrt(kind: RuntimeKind, device: Device): Promise<OrtModule> {
  const name = kind === 'node' ? 'onnxruntime-node' : 'onnxruntime-web';
  try {
    const loaded = kind === 'node' ? await importNode() : await importWeb(device);
    return 'InferenceSession' in loaded ? loaded : loaded.default;
  } catch (cause) {
    throw new DparError(`createOrtEngine: ${absence(name, cause)} ${ortInstallHints[kind]}`, { cause });
  }
}

/** Runtime in the calling thread. */
export function directRuntime(kind: RuntimeKind, ort: OrtModule): Runtime {
  const tensor = (host: HostTensor): Tensor => toOrt(ort, host);
  return {
    kind,
    version: versionOf(kind, ort),
    inThread: false,
    createSession: async (bytes, options) =>
      directSession(kind, await ort.InferenceSession.create(bytes, options), options),
    tensor,
    upload: async (host) => tensor({ ...host, data: host.data.slice() } as HostTensor),
    close: async () => {},
  };
}

function directSession(
  kind: RuntimeKind,
  session: InferenceSession,
  { enableProfiling }: InferenceSession.SessionOptions,
): RuntimeSession {
  return {
    inputNames: session.inputNames,
    run(inputs, outputs) {
      const run = () => session.run(inputs as Record<string, Tensor>, outputs as Record<string, Tensor | null>);
      return kind === 'web' ? inTurn(run) : run();
    },
    async release() {
      if (enableProfiling) session.endProfiling();
      await session.release();
    },
  };
}

/** Version of a loaded package. */
export function versionOf(kind: RuntimeKind, { env: { versions } }: OrtModule): string {
  return versions[kind] ?? versions.common;
}

/** Tensor of ONNX Runtime over the memory of a host tensor. */
export function toOrt({ Tensor }: OrtModule, tensor: HostTensor): Tensor {
  const { shape } = tensor;
  switch (tensor.dtype) {
    case 'float32':
      return new Tensor('float32', tensor.data, shape);
    case 'int32':
      return new Tensor('int32', tensor.data, shape);
    case 'bool':
      return new Tensor('bool', tensor.data, shape);
  }
}

/** Message for a package that is missing, or does not start because its native part does not fit the system. */
export function absence(name: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const isMissing = new RegExp(`^(Cannot find (package|module)|Import) ['"]${name}['"]`).test(message);
  return isMissing
    ? `expected the package '${name}', got none. Install it:`
    : `expected the package '${name}' to start, got '${message}'. Install it again:`;
}

/** Commands that install each runtime. The install script is skipped: it fetches files for CUDA and fails behind firewalls. */
export const ortInstallHints: { readonly [Kind in RuntimeKind]: string } = {
  node: 'npm install --onnxruntime-node-install=skip onnxruntime-node',
  web: 'npm install onnxruntime-web',
};

type Loaded = OrtModule | { default: OrtModule };

async function importNode(): Promise<Loaded> {
  disableTelemetry();
  return (await importHidden('onnxruntime-node')) as Loaded;
}

/**
 * Imports the smallest build that has the device, so that a page loads no more than it uses. Node has a build of its own,
 * the only one whose threads start there.
 */
async function importWeb(device: Device): Promise<Loaded> {
  if (defaultRuntime() === 'node') return (await importHidden('onnxruntime-web')) as Loaded;
  return device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
}

/** Imports a module of Node. Bundlers for browsers do not follow a name in a variable. */
export function importHidden(name: string): Promise<unknown> {
  return import(/* @vite-ignore */ name);
}

/**
 * Turns off the telemetry of onnxruntime-node. From version 1.29 on it would send events, and keep a machine identifier and
 * a cache in the home folder. Call it in the main thread before the package is loaded. A value of ORT_DISABLE_TELEMETRY in
 * the environment stays.
 */
export function disableTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
}

/** Share of the machine's memory up to which a process keeps the working memory of new sessions. */
const keptShare = 1 / 4;

/**
 * Decides for each new session if it keeps its working memory between runs: as long as the process takes less than a
 * quarter of the memory available to it. Outside Node that is unknown, and all sessions keep theirs.
 */
export async function memoryKeeper(kind: RuntimeKind): Promise<() => boolean> {
  if (kind === 'web') return () => true;
  const os = (await importHidden('node:os')) as typeof import('node:os');
  // Limit of a container. Without one it is missing, 0 or very large.
  const limit = process.constrainedMemory?.() || Number.POSITIVE_INFINITY;
  const budget = keptShare * Math.min(os.totalmem(), limit);
  return () => process.memoryUsage.rss() < budget;
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs calls one at a time, in order. Runs of onnxruntime-web need it: each keeps its inputs and outputs on WebAssembly's
 * single stack while it waits, and an overlapping run would overwrite them.
 */
export function inTurn<V>(call: () => Promise<V>): Promise<V> {
  const result = last.then(call);
  last = result.catch(() => {});
  return result;
}
