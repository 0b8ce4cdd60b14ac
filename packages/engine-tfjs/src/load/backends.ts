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
  /** Native backend that was loaded as `node-gpu` and found no GPU. */
  withoutGpu?: StartedNative;
}

/** Loaded backend. */
export interface Started {
  readonly tf: Namespace;
  /** Name such as `@tensorflow/tfjs-backend-wasm 4.22.0 (SIMD, 1 thread)`. */
  readonly name: string;
}

/** Loaded native backend. */
interface StartedNative extends Started {
  /** Package of the binding. */
  readonly package: string;
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
    const started = await startNative(loading, '@tensorflow/tfjs-node-gpu');
    if (!usesGpu(started)) {
      loading.withoutGpu = started;
      throw new Unusable(`${started.package} finds no GPU or lacks CUDA libraries`);
    }
    return { tf: started.tf, name: `${started.name} (CUDA)` };
  },
  node: async (loading) => {
    // Both packages register the same backend, and the first one stays.
    const started = loading.withoutGpu ?? (await startNative(loading, '@tensorflow/tfjs-node'));
    // Both have the same binding: with a TensorFlow for CUDA, it computes on the GPU that it finds.
    if (usesGpu(started)) throw new Unusable(`${started.package} computes on a GPU; request 'node-gpu' to use it`);
    return { tf: started.tf, name: started.name };
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

/** Environment variable that names the folder of a native package in another place. */
const folderVariable = 'DPAR_TFJS_NODE';

/** Loads the package of a name, or the one that {@link folderVariable} names. */
async function startNative({ importModule }: Loading, name: string): Promise<StartedNative> {
  const { process } = globalThis as { process?: { versions?: { node?: string }; env: Record<string, string> } };
  if (process?.versions?.node === undefined) throw new Unusable(`${name} runs in Node only`);
  // Without it, TensorFlow describes the processor on stderr. It reads the variable when it is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  await restoreUtilities(importModule);
  const folder = process.env[folderVariable] ?? '';
  const tf = await (folder === '' ? importNamespace(importModule, name) : importFolder(importModule, folder));
  await makeCurrent(tf, 'tensorflow');
  const found = folder === '' ? name : `@tensorflow/tfjs-node of ${folderVariable}`;
  const { binding } = tf.backend() as { binding?: { TF_Version?: string } };
  const about = binding?.TF_Version === undefined ? '' : ` (TensorFlow ${binding.TF_Version})`;
  return { tf, package: found, name: `${found} ${tf.version?.['tfjs-node'] ?? ''}`.trim() + about };
}

function usesGpu({ tf }: Started): boolean {
  return (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

/** Imports the package in a folder. @throws Unusable if there is none. */
async function importFolder(importModule: ImportModule, folder: string): Promise<Namespace> {
  const { pathToFileURL } = (await importModule('node:url')) as { pathToFileURL(path: string): URL };
  const { existsSync } = (await importModule('node:fs')) as { existsSync(path: URL): boolean };
  const address = pathToFileURL(`${folder}/dist/index.js`);
  if (!existsSync(address)) throw new Unusable(`${folderVariable} names ${folder}, which has no dist/index.js`);
  return importNamespace(importModule, address.href);
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
