export { type ArrangeOptions, checkShards } from './arrange.js';
export { mergeFiles, mergeTensors, type OnItems, type PlacedShard } from './merge.js';
export { openNpzShard, withNpzRecord } from './npz-shard.js';
export {
  type PartContent,
  PartFolder,
  type PartFolderOptions,
  type PartFormat,
  type PartTensors,
  type PartTypes,
} from './part-folder.js';
export { countThere, type ItemRange, partsOf, type Share, shareOf } from './ranges.js';
export {
  checkRun,
  type NamedShard,
  parseShardRecord,
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
export { checkContent, openShard, type Shard, type TensorShard, writeShard } from './shard.js';
export { type Answer, answerCalls, type Calls, openCalls, startWorker } from './thread-calls.js';
