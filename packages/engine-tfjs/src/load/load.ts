import { type KindsOf, listOf } from '@dpar/check';
import { DparError, type Engine } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { tfjsEngine } from '../engine.js';
import type { Tfjs } from '../tfjs.js';
import { explain, type Loading, starters, type TfjsBackend, type WasmFile } from './backends.js';
import { type ImportModule, importPackage } from './import-package.js';

/** Options of {@link loadTfjs}. */
export interface LoadTfjsOptions {
  /** Backend to load, or a list of which the first working one is loaded. Default: all of {@link tfjsBackends}. */
  readonly backend?: TfjsBackend | readonly TfjsBackend[];
  /**
   * Place of the WASM backend's three files: a folder, ending in `/`, or the address of each. Default: beside its code in
   * Node, beside the page in browsers. Set it in bundled pages. Nothing is loaded from elsewhere.
   */
  readonly wasmPaths?: string | Readonly<Record<WasmFile, string>>;
  /** Imports packages by name (default: `import`), for packages in other places, and for tests. */
  readonly importModule?: ImportModule;
}

const loadTfjsOptionsKinds: KindsOf<LoadTfjsOptions> = {
  'backend?': "'node-gpu' | 'node' | 'webgpu' | 'wasm' | 'cpu' | string[]",
  'wasmPaths?': [
    'string',
    {
      'tfjs-backend-wasm.wasm': 'string',
      'tfjs-backend-wasm-simd.wasm': 'string',
      'tfjs-backend-wasm-threaded-simd.wasm': 'string',
      '*': 'any',
    },
  ],
  'importModule?': 'function',
};

/** Backend that was skipped. */
export interface SkippedBackend {
  readonly backend: TfjsBackend;
  /** Reason, such as `@tensorflow/tfjs-node is not installed`. */
  readonly reason: string;
}

const skippedBackendKinds: KindsOf<SkippedBackend> = {
  backend: "'node-gpu' | 'node' | 'webgpu' | 'wasm' | 'cpu'",
  reason: 'string',
  '*': 'any',
};

/** Result of {@link loadTfjs}. */
export interface LoadedTfjs {
  /** Namespace, with the backend as its current one. */
  readonly tf: Tfjs;
  readonly backend: TfjsBackend;
  /** Name for `tfjsEngine(tf, { name })`. */
  readonly name: string;
  /** Skipped backends before it, with reasons. */
  readonly skipped: readonly SkippedBackend[];
}

/** All backends, fastest first. */
export const tfjsBackends: readonly TfjsBackend[] = ['node-gpu', 'node', 'webgpu', 'wasm', 'cpu'];

/** Commands that install each backend. */
export const tfjsInstallHints: { readonly [B in TfjsBackend]: string } = {
  'node-gpu': 'npm install @tensorflow/tfjs-node-gpu (Linux, an NVIDIA GPU with CUDA 11 and cuDNN 8)',
  node: 'npm install @tensorflow/tfjs-node',
  webgpu:
    'npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-webgpu, in Node also webgpu ' +
    '(a GPU with a Vulkan, Metal or Direct3D 12 driver)',
  wasm: 'npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm',
  cpu: 'npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu',
};

/**
 * Loads the fastest TensorFlow.js backend that is installed and works, and makes it the current one. WebGPU in software is
 * loaded only if no other backend is requested.
 * @throws DparError if no backend works, with the reason for each; its `cause` has them as `skipped`. Also for an unknown
 * backend.
 */
export async function loadTfjs(options: LoadTfjsOptions = {}): Promise<LoadedTfjs> {
  checkArguments('loadTfjs', { options }, { 'options?': loadTfjsOptionsKinds });

  const { backend: wanted = tfjsBackends, wasmPaths, importModule = importPackage } = options;
  const backends = typeof wanted === 'string' ? [wanted] : wanted;
  const loading: Loading = { importModule, wasmPaths, isOnlyOne: backends.length === 1 };
  const skipped: SkippedBackend[] = [];
  for (const backend of backends) {
    if (!tfjsBackends.includes(backend)) {
      throw new DparError(
        `loadTfjs: expected 'backend' to be one of ${tfjsBackends.join(', ')}, got ${backend}. Check 'backend'.`,
      );
    }
    try {
      return { ...(await starters[backend](loading)), backend, skipped };
    } catch (error) {
      skipped.push({ backend, reason: explain(backend, error) });
    }
  }
  const reasons = skipped.map(({ backend, reason }) => `${backend}: ${reason}`).join('; ');
  const [first] = skipped.toReversed();
  throw new DparError(
    `loadTfjs: expected a TensorFlow.js backend that works, got none (${reasons}). ` +
      `Install one: ${tfjsInstallHints[first?.backend ?? 'wasm']}.`,
    { cause: { skipped } },
  );
}

/** Creates an engine on the backend that {@link loadTfjs} finds. @throws DparError if no backend works. */
export async function createTfjsEngine(options: LoadTfjsOptions = {}): Promise<Engine> {
  checkArguments('createTfjsEngine', { options }, { 'options?': loadTfjsOptionsKinds });

  const { tf, name } = await loadTfjs(options);
  return tfjsEngine(tf, { name });
}

/** Describes the loaded backend and the skipped ones, in one line. */
export function describeLoaded(settings: Pick<LoadedTfjs, 'name' | 'skipped'>): string {
  checkArguments(
    'describeLoaded',
    { settings },
    { settings: { name: 'string', skipped: listOf(skippedBackendKinds), '*': 'any' } },
  );
  const { name, skipped } = settings;
  const reasons = skipped.map(({ backend, reason }) => `${backend} (${reason})`);
  return reasons.length === 0 ? `TensorFlow.js: ${name}.` : `TensorFlow.js: ${name}; not ${reasons.join(', ')}.`;
}
