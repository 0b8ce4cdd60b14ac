import type { Tfjs } from '../tfjs.js';
import type { ImportModule } from './import-package.js';
import { reasonOf, Unusable } from './reason.js';
import { findAdapter } from './webgpu.js';

/** Backends of TensorFlow.js: native CUDA, native CPU, WebGPU, WebAssembly, plain JavaScript. */
export type TfjsBackend = 'node-gpu' | 'node' | 'webgpu' | 'wasm' | 'cpu';

/** Names of the WASM backend's files. */
export type WasmFile =
  | 'tfjs-backend-wasm.wasm'
  | 'tfjs-backend-wasm-simd.wasm'
  | 'tfjs-backend-wasm-threaded-simd.wasm';

/** Settings for loading a backend. */
export interface Loading {
  readonly importModule: ImportModule;
  /** True if no other backend was requested. */
  readonly isOnlyOne: boolean;
  /** Folder (ending in `/`) or addresses of the WASM backend's files. */
  readonly wasmPaths?: string | Readonly<Record<WasmFile, string>> | undefined;
  /** Namespace of `tfjs-node-gpu`, if it was loaded and found no GPU. */
  withoutGpu?: Namespace;
}

/** Loaded backend. */
export interface Started {
  readonly tf: Namespace;
  /** Name such as `@tensorflow/tfjs-backend-wasm 4.22.0 (SIMD, 1 thread)`. */
  readonly name: string;
}

/** Part of a namespace that loading uses. */
export interface Namespace extends Tfjs {
  ready(): Promise<void>;
  enableProdMode(): void;
  env(): { getAsync(flag: string): Promise<number | boolean | string> };
  readonly version?: Readonly<Record<string, string>>;
  readonly version_core?: string;
}

/** Functions that load each backend. `reasonOf` explains their errors. */
export const starters: { readonly [B in TfjsBackend]: (loading: Loading) => Promise<Started> } = {
  'node-gpu': async (loading) => {
    const { tf, name } = await startNative(loading, '@tensorflow/tfjs-node-gpu');
    const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
    if (isUsingGpuDevice === false) {
      loading.withoutGpu = tf;
      throw new Unusable('@tensorflow/tfjs-node-gpu finds no GPU or lacks CUDA libraries');
    }
    return { tf, name: `${name} (CUDA)` };
  },
  node: async (loading) => {
    // Both packages register the same backend, and the first one stays.
    const given = loading.withoutGpu;
    if (given) return { tf: given, name: nativeName('@tensorflow/tfjs-node-gpu', given) };
    return startNative(loading, '@tensorflow/tfjs-node');
  },
  webgpu: async ({ importModule, isOnlyOne }) => {
    // The adapter comes first: the package registers its backend only where it finds WebGPU.
    const adapter = await findAdapter(importModule);
    if (adapter.isSoftware && !isOnlyOne) {
      throw new Unusable(`WebGPU runs in software here, ${adapter.name}; request 'webgpu' to use it`);
    }
    const tf = await importNamespace(importModule, '@tensorflow/tfjs-core');
    await importModule('@tensorflow/tfjs-backend-webgpu');
    await makeCurrent(tf, 'webgpu');
    return { tf, name: `@tensorflow/tfjs-backend-webgpu ${tf.version_core} (${adapter.name || 'WebGPU'})` };
  },
  wasm: async ({ importModule, wasmPaths }) => {
    const tf = await importNamespace(importModule, '@tensorflow/tfjs-core');
    const wasm = (await importModule('@tensorflow/tfjs-backend-wasm')) as WasmModule;
    if (wasmPaths !== undefined) wasm.setWasmPaths(wasmPaths);
    await makeCurrent(tf, 'wasm');
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
    const threads = wasm.getThreadsCount();
    const about = `${simd ? 'SIMD' : 'no SIMD'}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    return { tf, name: `@tensorflow/tfjs-backend-wasm ${wasm.version_wasm} (${about})` };
  },
  cpu: async ({ importModule }) => {
    const tf = await importNamespace(importModule, '@tensorflow/tfjs-core');
    await importModule('@tensorflow/tfjs-backend-cpu');
    await makeCurrent(tf, 'cpu');
    return { tf, name: `@tensorflow/tfjs-backend-cpu ${tf.version_core} (plain JavaScript)` };
  },
};

/** Main package of each backend, whose absence is reported. */
const packages: { readonly [B in TfjsBackend]: string } = {
  'node-gpu': '@tensorflow/tfjs-node-gpu',
  node: '@tensorflow/tfjs-node',
  webgpu: '@tensorflow/tfjs-backend-webgpu',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
};

/** Explains why a backend did not start. */
export function explain(backend: TfjsBackend, error: unknown): string {
  const core = '@tensorflow/tfjs-core';
  const missing = reasonOf(error, core);
  return missing === `${core} is not installed` ? missing : reasonOf(error, packages[backend]);
}

/** Part of the WASM backend's module that is not in the namespace. */
interface WasmModule {
  setWasmPaths(paths: string | Readonly<Record<WasmFile, string>>): void;
  getThreadsCount(): number;
  readonly version_wasm: string;
}

async function startNative({ importModule }: Loading, name: string): Promise<Started> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node === undefined) throw new Unusable(`${name} runs in Node only`);
  await restoreUtilities(importModule);
  const tf = await importNamespace(importModule, name);
  await makeCurrent(tf, 'tensorflow');
  return { tf, name: nativeName(name, tf) };
}

function nativeName(name: string, { version }: Namespace): string {
  return `${name} ${version?.['tfjs-node'] ?? ''}`.trim();
}

/** Restores `util.isNullOrUndefined` and `util.isArray`, which tfjs-node calls and newer versions of Node lack. */
async function restoreUtilities(importModule: ImportModule): Promise<void> {
  const { default: util } = (await importModule('node:util')) as { default: Record<string, unknown> };
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

/** Imports a namespace. CommonJS packages may have it as `default`. */
async function importNamespace(importModule: ImportModule, name: string): Promise<Namespace> {
  const loaded = (await importModule(name)) as Namespace | { readonly default: Namespace };
  return 'setBackend' in loaded ? loaded : loaded.default;
}

async function makeCurrent(tf: Namespace, backend: string): Promise<void> {
  // Turns off TensorFlow.js's own checks of shapes, which the tensor interface makes, and its advertisement.
  tf.enableProdMode();
  if (!(await tf.setBackend(backend))) throw new Error(`the backend '${backend}' could not be initialised`);
  await tf.ready();
}
