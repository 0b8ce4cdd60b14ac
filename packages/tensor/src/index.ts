export { availableThreads, type RuntimeHost } from './available-threads.js';
export type { Backend } from './backend.js';
export { countMacs } from './count-macs.js';
export { countTransfers, type Transfers } from './count-transfers.js';
export { createOps, typeOps } from './create-ops.js';
export type {
  CompiledFunction,
  CompileOptions,
  DeviceRunOptions,
  DeviceTensor,
  DynamicAxes,
  Engine,
  RunOptions,
  WeightFormat,
} from './engine.js';
export {
  callFunction,
  checkCompileArguments,
  checkCompileOptions,
  checkDeviceRunArguments,
  checkHostTensor,
  checkLive,
  checkNotConstant,
  checkOutputNames,
  checkRunArguments,
  hostInput,
  outputTensor,
} from './engine-support.js';
export { DparError, isDparError } from './error.js';
export { type GradientOptions, Tape, type Variable, valueAndGradients } from './gradients/tape.js';
export { inferType } from './infer.js';
export { type KernelConstant, type KernelMemory, startKernels } from './kernels/start-kernels.js';
export type { MatmulOptions, Ops, PoolingOptions, ReductionOptions, TensorFunction } from './ops.js';
export type {
  AttributesOf,
  BinaryPrimitive,
  ConvolutionAttributes,
  ElementwisePrimitive,
  InputsOf,
  None,
  PoolingAttributes,
  Primitive,
  PrimitiveAttributes,
  ReductionAttributes,
  UnaryPrimitive,
} from './primitives.js';
export { bytesPerWeight, dequantizeMatrix, type QuantizedMatrix, quantizeMatrix } from './quantize.js';
export { categorical, categoricalOfLogits } from './random/categorical.js';
export { normalQuantile } from './random/normal-quantile.js';
export {
  createRandom,
  type NormalOptions,
  type Random,
  type TruncatedNormalOptions,
  type UniformOptions,
} from './random/random.js';
export { createReferenceEngine } from './reference/engine.js';
export { referenceOps } from './reference/ops.js';
export { broadcastShapes, sameShape, stridesOf } from './shape.js';
export { confidenceShares, type Interval, quantiles } from './statistics.js';
export {
  bool,
  type DataOf,
  type DType,
  float32,
  formatType,
  type HostTensor,
  type HostTensorOf,
  hostTensor,
  int32,
  named,
  type Shape,
  sizeOf,
  type Tensors,
  type TensorType,
} from './types.js';
