import type { KindsOf } from '@dpar/check';
import type { TensorFunction } from './ops.js';
import type { HostTensor, Tensors, TensorType } from './types.js';

/** Tensor in the memory of an engine, which need not be copied for each call. */
export interface DeviceTensor {
  readonly type: TensorType;
  /** Copies the data out. */
  read(): Promise<HostTensor>;
  /** Frees the memory. The tensor must not be used afterwards. Disposing twice is harmless. */
  dispose(): void;
}

/**
 * Format of constant matrices in products: float32, or integers of 8 or 4 bits with a scale for each block of a row (see
 * `quantizeMatrix`).
 */
export type WeightFormat = 'float32' | 'int8' | 'int4';

/** Names of sizes that may differ from call to call, by input and axis. */
export type DynamicAxes = Readonly<Record<string, Readonly<Record<number, string>>>>;

/** Options of {@link Engine.compile}. */
export interface CompileOptions {
  /** Inputs that never change, such as weights while sampling. Engines may fold and repack them. */
  readonly constants?: Tensors<HostTensor>;
  /**
   * Format of constant matrices [N, K] in products `matmul(x, w, { transposeB: true })`, the form of linear layers
   * (default: `float32`). Everything else stays float32.
   */
  readonly weights?: WeightFormat;
  /**
   * Axes whose size may differ from call to call. Axes of one name have the same size. One compilation then serves other
   * sizes, though engines may compile for a few ranges of sizes. The function must not make constants, slices or
   * broadcasts of such a size. It has no effect in engines that compile nothing.
   */
  readonly dynamicAxes?: DynamicAxes;
  /**
   * Gives each row of a product with a constant matrix the same bits for any number of rows (default: false). That
   * excludes some faster kernels. Use it for results that are compared with a threshold. It holds for float32 weights on
   * the CPU.
   */
  readonly batchInvariant?: boolean;
}

/** Options of {@link CompiledFunction.run}. */
export interface RunOptions {
  /** Host tensors to write outputs to, by name. They have the types of the outputs; their data are overwritten. */
  readonly into?: Tensors<HostTensor>;
}

/** Options of {@link CompiledFunction.runOnDevice}. */
export interface DeviceRunOptions {
  /** Outputs that are read right after the run, such as a loss. Their `read` then costs no copy of its own. Default: none. */
  readonly toHost?: readonly string[];
}

/** Kinds of {@link CompileOptions}. */
export const compileOptionsKinds: KindsOf<CompileOptions> = {
  'constants?': 'object',
  'weights?': "'float32' | 'int8' | 'int4'",
  'batchInvariant?': 'boolean',
  'dynamicAxes?': 'object',
};

/** Kinds of {@link RunOptions}. */
export const runOptionsKinds: KindsOf<RunOptions> = { 'into?': 'object' };

/** Kinds of {@link DeviceRunOptions}. */
export const deviceRunOptionsKinds: KindsOf<DeviceRunOptions> = { 'toHost?': 'string[]' };

/** Function compiled by an engine, once for each signature: the names and types of its inputs. */
export interface CompiledFunction {
  /** Runs with outputs in host memory. @throws DparError for a missing input, or shapes that do not fit. */
  run(inputs: Tensors<HostTensor | DeviceTensor>, options?: RunOptions): Promise<Tensors<HostTensor>>;
  /** Runs with outputs that stay with the engine. Dispose them after their last use. */
  runOnDevice(inputs: Tensors<HostTensor | DeviceTensor>, options?: DeviceRunOptions): Promise<Tensors<DeviceTensor>>;
  /** Number of signatures compiled so far. */
  readonly signatures: number;
  dispose(): Promise<void>;
}

/** Engine that runs tensor functions. */
export interface Engine {
  /** Name for messages, such as `onnxruntime-node 1.30.0 (cpu, 2 threads)`. */
  readonly name: string;
  /**
   * True if the engine runs in another thread and reads inputs in a `SharedArrayBuffer` there. It copies all other inputs at
   * each call. Keep large inputs that change from call to call, such as caches, in shared memory.
   */
  readonly sharesMemory?: boolean;
  /**
   * True if the engine computes in memory of its own, such as that of a GPU. Each call copies its host tensors there. Keep
   * what changes from call to call, such as weights in training and caches, in device tensors.
   */
  readonly hasDeviceMemory?: boolean;
  /**
   * Type that products compute in (default: `float32`). With `float16`, gradients below 6e-8 vanish: training scales its loss.
   */
  readonly precision?: 'float32' | 'float16';
  compile(fn: TensorFunction, options?: CompileOptions): CompiledFunction;
  /** Copies a tensor to the engine. */
  upload(tensor: HostTensor): Promise<DeviceTensor>;
  /** Disposes all compiled functions. */
  dispose(): Promise<void>;
}
