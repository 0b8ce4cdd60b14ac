import type { KindsOf } from '@dpar/check';
import {
  availableThreads,
  type CompiledFunction,
  checkHostTensor,
  DparError,
  type Engine,
  type HostTensor,
} from '@dpar/tensor';
import type { InferenceSession } from 'onnxruntime-common';
import { checkArguments } from './check-arguments.js';
import { OrtFunction } from './compiled-function.js';
import type { Precision } from './lower.js';
import {
  type Device,
  defaultRuntime,
  devices,
  directRuntime,
  importHidden,
  loadOrt,
  memoryKeeper,
  type Runtime,
  type RuntimeKind,
} from './runtime.js';
import { OrtDeviceTensor } from './tensors.js';
import type * as ThreadRuntime from './thread/thread-runtime.js';

/** Options of {@link createOrtEngine}. */
export interface OrtEngineOptions {
  /** Device to compute on. Default: `'cpu'`. */
  readonly device?: Device;
  /**
   * Type that products and convolutions compute in (default: `'float32'`). With `'float16'`, inputs and outputs are float32 as
   * before. Constants of products take half of the memory, and results deviate: the README lists by how much. Only for the
   * device `'webgpu'` with the feature `shader-f16`; on others, the first run rejects.
   */
  readonly precision?: Precision;
  /** Threads per operator. Default: `availableThreads()`, the cores left by affinity, Slurm and quotas. */
  readonly threads?: number;
  /**
   * Lets waiting threads spin for a moment before they sleep (default: true). Generation of one image has many small
   * operators, and is 1.3 times as fast with it on two idle cores. Where another program keeps a core busy, it makes no
   * difference. All threads sleep between runs, because those of one function would hold up the next.
   */
  readonly spinning?: boolean;
  /**
   * Keeps the working memory of each compiled signature between runs. Without it, runs take about 10 % longer. By default, a
   * signature keeps it if the process takes less than a quarter of the machine's memory during compilation. Large models
   * with many signatures then do not fill the memory.
   */
  readonly keepMemory?: boolean;
  /** Writes a profile of each session to `<profile>_<date>.json` when it is disposed. Node only. */
  readonly profile?: string;
  /**
   * Runs the graphs in a thread of its own (default: false). The event loop then stays free during a run, as a server needs
   * it, except for the tracing of functions. Only with onnxruntime-node.
   */
  readonly thread?: boolean;
  /** Package that runs the graphs. Default: `'node'` in Node, `'web'` elsewhere. */
  readonly runtime?: RuntimeKind;
  /**
   * Addresses of onnxruntime-web's files `ort-wasm-simd-threaded.mjs` and `.wasm`, for pages whose bundler moved them.
   * Default: the places where onnxruntime-web looks. The first engine of a page decides.
   */
  readonly wasmPaths?: { readonly mjs: URL | string; readonly wasm: URL | string };
}

const ortEngineOptionsKinds: KindsOf<OrtEngineOptions> = {
  'device?': "'cpu' | 'webgpu' | 'cuda'",
  'precision?': "'float32' | 'float16'",
  'threads?': 'number',
  'spinning?': 'boolean',
  'keepMemory?': 'boolean',
  'profile?': 'string',
  'thread?': 'boolean',
  'runtime?': "'node' | 'web'",
  'wasmPaths?': { mjs: 'string | object', wasm: 'string | object', '*': 'any' },
};

/**
 * Creates an engine that traces functions to ONNX graphs and runs them with ONNX Runtime.
 * @throws DparError if the runtime (onnxruntime-node or onnxruntime-web) is not installed, the device is unknown or does not have
 * the precision, `threads` is not a whole number >= 1, or `thread` is set for onnxruntime-web.
 */
export async function createOrtEngine(options: OrtEngineOptions = {}): Promise<Engine> {
  checkArguments('createOrtEngine', { options }, { 'options?': ortEngineOptionsKinds });
  return openEngine(options);
}

/** Creates an engine. @param worker Program of its thread. Default: that of the built package. */
export async function openEngine(options: OrtEngineOptions, worker?: URL): Promise<Engine> {
  const {
    device = 'cpu',
    precision = 'float32',
    runtime: kind = defaultRuntime(),
    threads = availableThreads(),
  } = options;
  if (!devices.includes(device)) {
    throw new DparError(
      `createOrtEngine: expected 'device' to be one of ${devices.join(', ')}, got ${device}. Check 'device'.`,
    );
  }
  if (precision === 'float16' && device !== 'webgpu') {
    throw new DparError(
      `createOrtEngine: expected the device 'webgpu' for the precision 'float16', got '${device}'. Leave out 'precision'.`,
    );
  }
  if (!Number.isInteger(threads) || threads < 1) {
    throw new DparError(
      `createOrtEngine: expected 'threads' to be a whole number >= 1, got ${threads}. Check 'threads'.`,
    );
  }
  const runtime = await startRuntime(options, { device, kind, threads, worker });
  const keepsMemory = options.keepMemory === undefined ? await memoryKeeper(kind) : undefined;
  const session = (): InferenceSession.SessionOptions => ({
    ...sessionOptions(options, device, kind, threads),
    enableCpuMemArena: options.keepMemory ?? keepsMemory?.() ?? true,
  });
  const functions = new Set<OrtFunction>();
  const compile: Engine['compile'] = (fn, options = {}) => {
    const compiled = new OrtFunction(runtime, session, fn, options, precision);
    functions.add(compiled);
    return compiled;
  };
  const place = runtime.inThread ? ', beside the event loop' : '';
  return {
    name:
      `onnxruntime-${kind} ${runtime.version} ` +
      `(${device}${precision === 'float16' ? ', float16' : ''}, ${threads} ${threads === 1 ? 'thread' : 'threads'}${place})`,
    precision,
    sharesMemory: runtime.inThread,
    compile,
    upload: (tensor) => upload(runtime, device, compile, checkHostTensor('tensor', tensor)),
    dispose: async () => {
      for (const compiled of functions) await compiled.dispose();
      functions.clear();
      await runtime.close();
    },
  };
}

async function startRuntime(
  { thread = false, wasmPaths }: OrtEngineOptions,
  { device, kind, threads, worker }: { device: Device; kind: RuntimeKind; threads: number; worker: URL | undefined },
): Promise<Runtime> {
  if (thread) {
    if (kind === 'web') {
      throw new DparError(
        "createOrtEngine: expected the runtime 'node' for 'thread', got 'web'. In a page, create the engine in a Web Worker.",
      );
    }
    const { startThreadRuntime } = (await importHidden('./thread/thread-runtime.js')) as typeof ThreadRuntime;
    return startThreadRuntime(device, worker);
  }
  const ort = await loadOrt(kind, device);
  if (kind === 'web') {
    ort.env.wasm.numThreads = threads;
    if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = { ...wasmPaths };
  }
  return directRuntime(kind, ort);
}

/** Time that a thread spins. ONNX Runtime's default, about ten times as long, is slow on busy cores. */
const spinMicroseconds = '100';

function sessionOptions(
  { spinning = true, profile }: OrtEngineOptions,
  device: Device,
  kind: RuntimeKind,
  threads: number,
): InferenceSession.SessionOptions {
  const provider = device === 'cpu' && kind === 'web' ? 'wasm' : device;
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [provider],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    extra: {
      // Products have absorbed their transposes already. Those that are left are intended.
      optimization: { disable_specified_optimizers: 'MatmulTransposeFusion' },
      session: spinning
        ? { force_spinning_stop: '1', intra_op: { spin_duration_us: spinMicroseconds } }
        : { intra_op: { allow_spinning: '0' } },
    },
    // Planned memory is added to that of the first run: 40 % more in a training step, and no faster.
    enableMemPattern: false,
    // Errors are thrown, so they need not be printed.
    logSeverityLevel: 4,
  };
  // Threads of the web are set once for all sessions.
  if (kind === 'node') Object.assign(settings, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  if (keepsOutputs(device, kind)) Object.assign(settings, { preferredOutputLocation: 'gpu-buffer' });
  if (profile !== undefined) Object.assign(settings, { enableProfiling: true, profileFilePrefix: profile });
  return settings;
}

/**
 * True if outputs stay in the memory of a GPU, as in browsers. onnxruntime-node cannot read them from there: a request
 * ends the process.
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
    // Only outputs of a graph reach that memory.
    const identity = uploaders.get(runtime) ?? compile((_, inputs) => inputs);
    uploaders.set(runtime, identity);
    const { tensor: moved } = await identity.runOnDevice({ tensor });
    return moved as OrtDeviceTensor;
  }
  const { dtype, shape } = tensor;
  return new OrtDeviceTensor({ dtype, shape: [...shape] }, await runtime.upload(tensor));
}
