import { DparError } from '@dpar/tensor';
import type { env, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';

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

/** Loaded runtime. */
export interface Runtime {
  readonly kind: RuntimeKind;
  readonly ort: OrtModule;
}

/** Default runtime: `node` in Node, `web` elsewhere. */
export function defaultRuntime(): RuntimeKind {
  return typeof process === 'object' && typeof process.versions?.node === 'string' ? 'node' : 'web';
}

/**
 * Loads the package that runs the graphs. Only that package must be installed.
 * @throws DparError that names the package if it is missing or does not start.
 */
export async function loadRuntime(kind: RuntimeKind, device: Device): Promise<Runtime> {
  const name = kind === 'node' ? 'onnxruntime-node' : 'onnxruntime-web';
  try {
    const loaded = kind === 'node' ? await importNode() : await importWeb(device);
    return { kind, ort: 'InferenceSession' in loaded ? loaded : loaded.default };
  } catch (cause) {
    throw new DparError(`createOrtEngine: ${absence(name, cause)} ${ortInstallHints[kind]}`, { cause });
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
