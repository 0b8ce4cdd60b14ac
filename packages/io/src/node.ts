export { type FileContent, type NewFile, writeFileAtomic, writeFilesAtomic } from './atomic-file.js';
export {
  findFolder,
  recoverFiles,
  recoverFilesIn,
  recoverFolder,
  removeFolderAtomic,
  writeFolderAtomic,
} from './atomic-folder.js';
export {
  type Checkpoint,
  type CheckpointOptions,
  type CheckpointReadOptions,
  checkpointFiles,
  type OpenCheckpoint,
  openCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.js';
export {
  type ClassNames,
  checkClassNames,
  classesFile,
  parseClassNames,
  readCheckpointClasses,
  readClassList,
  writeClassNames,
} from './class-names.js';
export { type FolderLock, lockFolder } from './folder-lock.js';
export { checkpointIdentity, contentDigest, fileDigest, formatDigest } from './identity.js';
export { dequantized } from './int8-reader.js';
export { parseJsonObject } from './json.js';
export { readJson, writeJson } from './json-file.js';
export { linkFile, linkFolder } from './link-folder.js';
export { makeFolder } from './make-folder.js';
export { type ArrayReader, type NpyReader, openNpy, readNpy, writeNpy } from './npy-file.js';
export { type NpzReader, openNpz, readNpz, writeNpz } from './npz-file.js';
export { openPyTorch, type PyTorchReader, writePyTorch } from './pytorch-file.js';
export {
  openSafetensors,
  readSafetensors,
  type SafetensorsFileOptions,
  writeSafetensors,
} from './safetensors-file.js';
export type { SafetensorsReader } from './safetensors-reader.js';
export { safetensorsFiles } from './safetensors-shards.js';
export { isSystemEntry } from './system-entry.js';
