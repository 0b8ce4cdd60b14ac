import type { KindsOf } from '@dpar/check';
import {
  availableThreads,
  type CompiledFunction,
  checkHostTensor,
  DparError,
  type Engine,
  type HostTensor,
  hostTensor,
} from '@dpar/tensor';
import type { InferenceSession } from 'onnxruntime-common';
import { checkArguments } from './check-arguments.js';
import { OrtFunction } from './compiled-function.js';
import { OrtDeviceTensor } from './device-tensor.js';
import { toOrt } from './host-tensor.js';
import { memoryKeeper } from './memory.js';
import { type Device, defaultRuntime, devices, loadRuntime, type Runtime, type RuntimeKind } from './runtime.js';

/** How {@link createOrtEngine} computes. */
export interface OrtEngineOptions {
  /** Default: `'cpu'`. */
  readonly device?: Device;
  /** Threads that work on one operator. Default: `availableThreads()`, the cores that affinity, Slurm and quotas leave. */
  readonly threads?: number;
  /**
   * Whether threads that wait for the next operator look for it for a moment before they sleep (default: true). Generation
   * of one image at a time, which has many small operators, is 1.3 times as quick with it on two quiet cores, and as
   * quick as without it where another program keeps one of them busy. Between runs all threads sleep: those of one
   * function would hold up the next.
   */
  readonly spinning?: boolean;
  /**
   * Whether each compiled signature keeps its working memory between runs, or gives it back, which takes some 10 % of
   * time. Default: those keep it that are compiled while the process has less than a quarter of the machine's memory, so
   * that large models with many signatures do not fill it.
   */
  readonly keepMemory?: boolean;
  /** Writes a profile of each session to `<profile>_<date>.json` when it is disposed. Node only. */
  readonly profile?: string;
  /** The package that runs the graphs. Default: `'node'` in Node, `'web'` elsewhere. */
  readonly runtime?: RuntimeKind;
  /**
   * Addresses of onnxruntime-web's own files, for pages whose bundler moved them: `ort-wasm-simd-threaded.mjs` and
   * `.wasm`. Default: where onnxruntime-web looks for them. The first engine of a page decides.
   */
  readonly wasmPaths?: { readonly mjs: URL | string; readonly wasm: URL | string };
}

const ortEngineOptionsKinds: KindsOf<OrtEngineOptions> = {
  'device?': "'cpu' | 'webgpu' | 'cuda'",
  'threads?': 'number',
  'spinning?': 'boolean',
  'keepMemory?': 'boolean',
  'profile?': 'string',
  'runtime?': "'node' | 'web'",
  'wasmPaths?': { mjs: 'string | object', wasm: 'string | object', '*': 'any' },
};

/**
 * An engine that traces functions to ONNX graphs and runs them with ONNX Runtime.
 * @throws DparError if the package of the runtime (onnxruntime-node or onnxruntime-web) is not installed, for an
 * unknown device, or for a number of threads that is not a whole number >= 1.
 */
export async function createOrtEngine(options: OrtEngineOptions = {}): Promise<Engine> {
  checkArguments('createOrtEngine', { options }, { 'options?': ortEngineOptionsKinds });

  const { device = 'cpu', runtime: kind = defaultRuntime(), threads = availableThreads() } = options;
  if (!devices.includes(device)) {
    throw new DparError(`createOrtEngine: expected 'device' to be one of ${devices.join(', ')}, got ${device}.`);
  }
  if (!Number.isInteger(threads) || threads < 1) {
    throw new DparError(`createOrtEngine: expected threads to be a whole number >= 1, got ${threads}.`);
  }
  const runtime = await loadRuntime(kind, device);
  if (kind === 'web') {
    runtime.ort.env.wasm.numThreads = threads;
    if (options.wasmPaths !== undefined) runtime.ort.env.wasm.wasmPaths = { ...options.wasmPaths };
  }
  const keepsMemory = options.keepMemory === undefined ? await memoryKeeper(kind) : undefined;
  const session = (): InferenceSession.SessionOptions => ({
    ...sessionOptions(options, device, kind, threads),
    enableCpuMemArena: options.keepMemory ?? keepsMemory?.() ?? true,
  });
  const functions = new Set<OrtFunction>();
  const compile: Engine['compile'] = (fn, options = {}) => {
    const compiled = new OrtFunction(runtime, session, fn, options);
    functions.add(compiled);
    return compiled;
  };
  const { versions } = runtime.ort.env;
  return {
    name:
      `onnxruntime-${kind} ${versions[kind] ?? versions.common} ` +
      `(${device}, ${threads} ${threads === 1 ? 'thread' : 'threads'})`,
    compile,
    upload: (tensor) => upload(runtime, device, compile, checkHostTensor('tensor', tensor)),
    dispose: async () => {
      for (const compiled of functions) await compiled.dispose();
      functions.clear();
    },
  };
}

/** How long a thread looks for work. ONNX Runtime's own value, some ten times as long, suffers on busy cores. */
const spinMicroseconds = '100';

function sessionOptions(
  { spinning = true, profile }: OrtEngineOptions,
  device: Device,
  kind: RuntimeKind,
  threads: number,
): InferenceSession.SessionOptions {
  const provider = device === 'cpu' && kind === 'web' ? 'wasm' : device;
  return {
    executionProviders: [provider],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Threads of the web are set once for all sessions.
    ...(kind === 'node' && { intraOpNumThreads: threads, interOpNumThreads: 1 }),
    extra: {
      // Transposes that are still there are meant: those that a product takes in are gone already.
      optimization: { disable_specified_optimizers: 'MatmulTransposeFusion' },
      session: spinning
        ? { force_spinning_stop: '1', intra_op: { spin_duration_us: spinMicroseconds } }
        : { intra_op: { allow_spinning: '0' } },
    },
    // Planned memory comes on top of what the first run took: 40 % more in a training step, and no quicker.
    enableMemPattern: false,
    ...(keepsOutputs(device, kind) && { preferredOutputLocation: 'gpu-buffer' as const }),
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
    // Errors are thrown; they need not be printed too.
    logSeverityLevel: 4,
  };
}

/**
 * Whether outputs stay in the memory of a graphics processor. In browsers they do; onnxruntime-node has no way to read
 * them from there, and ends the process where they are asked for.
 */
function keepsOutputs(device: Device, kind: RuntimeKind): boolean {
  return device === 'webgpu' && kind === 'web';
}

const uploaders = new WeakMap<Runtime, CompiledFunction>();

async function upload(
  runtime: Runtime,
  device: Device,
  compile: Engine['compile'],
  tensor: HostTensor,
): Promise<OrtDeviceTensor> {
  if (keepsOutputs(device, runtime.kind)) {
    // The way to that memory is to be the output of a graph.
    const identity = uploaders.get(runtime) ?? compile((_, inputs) => inputs);
    uploaders.set(runtime, identity);
    const { tensor: moved } = await identity.runOnDevice({ tensor });
    return moved as OrtDeviceTensor;
  }
  const copy = hostTensor(tensor.dtype, tensor.shape, tensor.data.slice());
  return new OrtDeviceTensor({ dtype: copy.dtype, shape: copy.shape }, toOrt(runtime, copy));
}
