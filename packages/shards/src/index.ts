export { type ArrangeOptions, arrangeShards, type CheckableShard, checkShards } from './arrange.js';
export { mergeFiles, mergeTensors, type OnItems } from './merge.js';
export { isWholeNpz, readNpzRecord, withNpzRecord } from './npz-record.js';
export {
  type PartContent,
  PartFolder,
  type PartFolderOptions,
  type PartTensors,
  type PartTypes,
} from './part-folder.js';
export { countThere, type ItemRange, partsOf, type Share, shareOf } from './ranges.js';
export {
  checkRun,
  type NamedShard,
  parseShardRecord,
  partName,
  runDigest,
  type ShardItems,
  type ShardRecord,
  shardRecord,
} from './record.js';
export {
  type MissingParts,
  type OnShardProgress,
  runSharded,
  type ShardedWork,
  type ShardStore,
} from './run-sharded.js';
export { checkSettings, RunSettings, type Settings } from './settings.js';
export {
  isWholeShard,
  readShard,
  readShardRecord,
  type ShardContent,
  type ShardOptions,
  writeShard,
} from './shard-file.js';
export { openTensorShard, type TensorShard } from './tensor-shard.js';
