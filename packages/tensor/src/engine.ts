import type { KindsOf } from '@dpar/check';
import type { TensorFunction } from './ops.js';
import type { HostTensor, Tensors, TensorType } from './types.js';

/** A tensor that stays with its engine, so that it need not travel for each call. */
export interface DeviceTensor {
  readonly type: TensorType;
  /** Copies the data out. */
  read(): Promise<HostTensor>;
  /** Frees the memory; the tensor must not be used afterwards. Disposing twice is harmless. */
  dispose(): void;
}

/**
 * How constant matrices of products are stored: as they are, or as whole numbers of 8 or 4 bits with a scale for each
 * block of a row (see `quantizeMatrix`).
 */
export type WeightFormat = 'float32' | 'int8' | 'int4';

/** By input and axis, the name of a size that may differ from call to call. */
export type DynamicAxes = Readonly<Record<string, Readonly<Record<number, string>>>>;

/** How {@link Engine.compile} specialises a function. */
export interface CompileOptions {
  /** Inputs that never change (weights, when sampling). Engines may fold and repack them. */
  readonly constants?: Tensors<HostTensor>;
  /**
   * Format of constants [N, K] that other tensors are multiplied with, `matmul(x, w, { transposeB: true })` as linear
   * layers do (default: `float32`). All else stays float32.
   */
  readonly weights?: WeightFormat;
  /**
   * Axes whose size may differ from call to call: by input and axis, a name of the size, which is the same wherever the
   * name is. What is compiled for one size then serves others (engines may tell a few ranges of sizes apart). The
   * function must not make constants, slices or broadcasts of such a size. Without effect where nothing is compiled.
   */
  readonly dynamicAxes?: DynamicAxes;
  /**
   * Keeps the bits of each row of a product with a constant matrix the same however many rows there are, where that
   * excludes faster kernels for some numbers of rows (default: false). For results that are compared with a threshold.
   * Holds for float32 weights on processors.
   */
  readonly batchInvariant?: boolean;
}

/** How a compiled function runs. */
export interface RunOptions {
  /** Where to write outputs, by name: host tensors of the right type, whose data are overwritten and returned. */
  readonly into?: Tensors<HostTensor>;
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

/** A function compiled by an engine, once for each signature (names and types of the inputs) that it is called with. */
export interface CompiledFunction {
  /** @throws DparError for a missing input, or what the function throws for shapes that do not fit. */
  run(inputs: Tensors<HostTensor | DeviceTensor>, options?: RunOptions): Promise<Tensors<HostTensor>>;
  /** As `run`, with outputs that stay with the engine: dispose them when they are not needed any more. */
  runOnDevice(inputs: Tensors<HostTensor | DeviceTensor>): Promise<Tensors<DeviceTensor>>;
  /** Number of signatures compiled so far. */
  readonly signatures: number;
  dispose(): Promise<void>;
}

/** Something that runs tensor functions. */
export interface Engine {
  /** For messages, such as `onnxruntime-node 1.30.0 (cpu, 2 threads)`. */
  readonly name: string;
  compile(fn: TensorFunction, options?: CompileOptions): CompiledFunction;
  /** Moves a tensor to the engine. */
  upload(tensor: HostTensor): Promise<DeviceTensor>;
  /** Frees everything that the engine compiled. */
  dispose(): Promise<void>;
}
