export type { ChunkedTensor } from './chunks.js';
export { classesNamed, isWord, type Prompt, promptNamed, shownName } from './classes-named.js';
export { compareCodePoints } from './code-points.js';
export { type FloatStorage, fromHostTensor, toFloat64Array, toHostTensor } from './convert.js';
export { IoError } from './error.js';
export { type FileFormat, formatOf, type OwnFormat } from './foreign-file.js';
export { int8Weights, toHostTensors } from './int8.js';
export { formatNpy, type NpyOptions, parseNpy } from './npy.js';
export {
  formatNpz,
  type NpzReadOptions,
  type NpzWriteOptions,
  npzChunks,
  parseNpz,
} from './npz.js';
export { formatPyTorchValue } from './pytorch/callables.js';
export { type PyTorchContent, parsePyTorch } from './pytorch/reader.js';
export {
  entriesOf,
  type PyTorchDict,
  PyTorchStorage,
  PyTorchTensor,
  type PyTorchValue,
  PythonGlobal,
  PythonObject,
  UnreadTensor,
} from './pytorch/values.js';
export { pytorchChunks, type WritablePyTorchValue } from './pytorch/writer.js';
export {
  formatSafetensors,
  parseSafetensors,
  type SafetensorsContent,
  type SafetensorsOptions,
  type StreamedTensors,
  safetensorsChunks,
  type WritableTensors,
} from './safetensors.js';
export {
  formatSafetensorsIndex,
  indexSuffix,
  parseSafetensorsIndex,
  type SafetensorsIndex,
} from './safetensors-index.js';
export { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from './small-floats.js';
export type { HostTensor } from './stored.js';
export { formatStoredType, type StoredDType, type StoredTensor, type StoredType } from './stored.js';
