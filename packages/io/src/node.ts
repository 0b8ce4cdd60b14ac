export { type FileContent, writeFileAtomic } from './atomic-file.js';
export { findFolder, writeFolderAtomic } from './atomic-folder.js';
export {
  type Checkpoint,
  type CheckpointOptions,
  type OpenCheckpoint,
  openCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.js';
export { readNpy, readNpz, writeNpy, writeNpz } from './npy-file.js';
export { openPyTorch, type PyTorchReader, writePyTorch } from './pytorch-file.js';
export { openSafetensors, readSafetensors, type SafetensorsReader, writeSafetensors } from './safetensors-file.js';
