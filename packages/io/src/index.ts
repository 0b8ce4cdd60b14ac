export { type FloatStorage, fromHostTensor, toFloat64Array, toHostTensor, toHostTensors } from './convert.js';
export { IoError } from './error.js';
export { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from './half.js';
export { formatNpy, type NpyOptions, parseNpy } from './npy.js';
export {
  type ChunkedTensor,
  formatNpz,
  type NpzReadOptions,
  type NpzWriteOptions,
  npzChunks,
  parseNpz,
} from './npz.js';
export {
  formatSafetensors,
  parseSafetensors,
  type SafetensorsContent,
  type SafetensorsOptions,
  safetensorsChunks,
  type WritableTensors,
} from './safetensors.js';
export { formatStoredType, type StoredDType, type StoredTensor, type StoredType } from './stored.js';
