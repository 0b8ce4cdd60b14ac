import { type KindsOf, listOf } from '@dpar/check';
import { DparError, type Engine } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { tfjsEngine } from '../engine.js';
import type { Tfjs } from '../tfjs.js';
import { explain, type Loading, starters, type TfjsBackend, type WasmFile } from './backends.js';
import { type ImportModule, importPackage } from './import-package.js';

/** How {@link loadTfjs} chooses. */
export interface LoadTfjsOptions {
  /** The backend to load, or those among which the first that works is taken. Default: all, in {@link tfjsBackends}' order. */
  readonly backend?: TfjsBackend | readonly TfjsBackend[];
  /**
   * Where the WASM backend's three files are: a folder, ending in `/`, or the address of each. Default: in Node beside
   * its code, in browsers beside the page. Bundlers need it; nothing is ever loaded from elsewhere.
   */
  readonly wasmPaths?: string | Readonly<Record<WasmFile, string>>;
  /** Imports packages by name (default: `import`), for programs that have them elsewhere, and for tests. */
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

/** A backend that was not taken. */
export interface SkippedBackend {
  readonly backend: TfjsBackend;
  /** Half a sentence, such as `@tensorflow/tfjs-node is not installed`. */
  readonly reason: string;
}

const skippedBackendKinds: KindsOf<SkippedBackend> = {
  backend: "'node-gpu' | 'node' | 'webgpu' | 'wasm' | 'cpu'",
  reason: 'string',
  '*': 'any',
};

/** What {@link loadTfjs} found. */
export interface LoadedTfjs {
  /** The namespace, with the backend as its current one. */
  readonly tf: Tfjs;
  readonly backend: TfjsBackend;
  /** What computes, for `tfjsEngine(tf, { name })`. */
  readonly name: string;
  /** Those before it in the order, and why they were not taken. */
  readonly skipped: readonly SkippedBackend[];
}

/** All backends, the fastest first. */
export const tfjsBackends: readonly TfjsBackend[] = ['node-gpu', 'node', 'webgpu', 'wasm', 'cpu'];

/** What each backend needs. */
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
 * Loads the fastest TensorFlow.js backend that is installed and works, and makes it the current one. A WebGPU that is a
 * program on the processor is taken only where no other is asked for.
 * @throws DparError if none is; it says why for each, and its `cause` has them as `skipped`. Also for a backend of another name.
 */
export async function loadTfjs(options: LoadTfjsOptions = {}): Promise<LoadedTfjs> {
  checkArguments('loadTfjs', { options }, { 'options?': loadTfjsOptionsKinds });

  const { backend: wanted = tfjsBackends, wasmPaths, importModule = importPackage } = options;
  const backends = typeof wanted === 'string' ? [wanted] : wanted;
  const loading: Loading = { importModule, wasmPaths, isOnlyOne: backends.length === 1 };
  const skipped: SkippedBackend[] = [];
  for (const backend of backends) {
    if (!tfjsBackends.includes(backend)) {
      throw new DparError(`loadTfjs: expected 'backend' to be one of ${tfjsBackends.join(', ')}, got ${backend}.`);
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

/** An engine on what {@link loadTfjs} finds. @throws what that throws. */
export async function createTfjsEngine(options: LoadTfjsOptions = {}): Promise<Engine> {
  checkArguments('createTfjsEngine', { options }, { 'options?': loadTfjsOptionsKinds });

  const { tf, name } = await loadTfjs(options);
  return tfjsEngine(tf, { name });
}

/** What was taken and why nothing before it, in one line. */
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
