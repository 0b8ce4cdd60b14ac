import { DparError } from '@dpar/tensor';
import type { env, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';
import { disableTelemetry } from './telemetry.js';

/** All devices. */
export const devices = ['cpu', 'webgpu', 'cuda'] as const;

/** Where an engine computes. */
export type Device = (typeof devices)[number];

/** Which package runs the graphs. */
export type RuntimeKind = 'node' | 'web';

/** What onnxruntime-node and onnxruntime-web have in common. */
export interface OrtModule {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
  readonly env: typeof env;
}

/** A loaded runtime. */
export interface Runtime {
  readonly kind: RuntimeKind;
  readonly ort: OrtModule;
}

/** Node's for programs in Node, the web's elsewhere. */
export function defaultRuntime(): RuntimeKind {
  return typeof process === 'object' && typeof process.versions?.node === 'string' ? 'node' : 'web';
}

/**
 * Loads the package that runs the graphs; only the one that is needed has to be installed.
 * @throws DparError naming the package if it is not there.
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

/** Says that a package is not there, or is there and useless, as on systems for which its native part is not built. */
export function absence(name: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const isMissing = new RegExp(`^(Cannot find (package|module)|Import) ['"]${name}['"]`).test(message);
  return isMissing
    ? `expected the package '${name}', got none. Install it:`
    : `expected the package '${name}' to start, got '${message}'. If it is not whole, install it again:`;
}

/** How to install the package of each runtime. Its install script fetches what only CUDA needs, and fails behind firewalls. */
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
 * The smallest build that has the device, so that a page loads nothing that it does not use. Node has a build of its own,
 * the only one whose threads start there.
 */
async function importWeb(device: Device): Promise<Loaded> {
  if (defaultRuntime() === 'node') return (await importHidden('onnxruntime-web')) as Loaded;
  return device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
}

/** Imports what only Node has; bundlers for browsers do not follow a name that is not written out. */
export function importHidden(name: string): Promise<unknown> {
  return import(/* @vite-ignore */ name);
}
