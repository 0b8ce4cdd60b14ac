export { type FileContent, writeFileAtomic } from './atomic-file.js';
export { findFolder, writeFolderAtomic } from './atomic-folder.js';
export { type Checkpoint, type CheckpointOptions, readCheckpoint, writeCheckpoint } from './checkpoint.js';
export { checkpointIdentity, formatDigest } from './identity.js';
export { type NpyReader, openNpy, readNpy, readNpz, writeNpy, writeNpz } from './npy-file.js';
export { openSafetensors, readSafetensors, type SafetensorsReader, writeSafetensors } from './safetensors-file.js';
