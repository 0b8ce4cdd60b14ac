export { type FileContent, type NewFile, writeFileAtomic, writeFilesAtomic, writeJson } from './atomic-file.js';
export { findFolder, recoverFolder, removeFolderAtomic, writeFolderAtomic } from './atomic-folder.js';
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
export { type FolderLock, lockFolder } from './folder-lock.js';
export { checkpointIdentity, fileDigest, formatDigest } from './identity.js';
export { dequantized } from './int8-reader.js';
export { parseJsonObject } from './json.js';
export { linkFile, linkFolder } from './link-folder.js';
export { makeFolder } from './make-folder.js';
export { formatMissing } from './missing-items.js';
export { type ArrayReader, type NpyReader, openNpy, readNpy, writeNpy } from './npy-file.js';
export { type NpzReader, openNpz, readNpz, writeNpz } from './npz-file.js';
export { type ItemRange, type PartContent, PartFolder, type PartFolderOptions, type PartTypes } from './part-folder.js';
export { missingParts, type PartShare, shareOfParts } from './part-ranges.js';
export { openPyTorch, type PyTorchReader, writePyTorch } from './pytorch-file.js';
export {
  openSafetensors,
  readSafetensors,
  type SafetensorsFileOptions,
  writeSafetensors,
} from './safetensors-file.js';
export type { SafetensorsReader } from './safetensors-reader.js';
export { safetensorsFiles } from './safetensors-shards.js';
export { agreeOnSettings, checkSettings, readSettings, type Settings, writeSettings } from './settings-file.js';
export {
  readShard,
  readShardRecord,
  type ShardContent,
  type ShardOptions,
  writeShard,
} from './shard-file.js';
export {
  contentDigest,
  parseShardRecord,
  runDigest,
  type ShardItems,
  type ShardRecord,
  shardRecord,
} from './shard-record.js';
export { type ArrangeOptions, arrangeShards, type NamedShard } from './shard-set.js';
export { isSystemEntry } from './system-entry.js';
