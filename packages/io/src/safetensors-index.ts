import { checkArguments } from './check-arguments.js';
import { compareCodePoints } from './code-points.js';
import { IoError } from './error.js';
import { isObject, parseJsonObject, shortJson } from './json.js';

/** Suffix of the name of an index: `model.safetensors.index.json`. */
export const indexSuffix = '.index.json';

/** Index of tensors in several safetensors files, in Hugging Face's layout. */
export interface SafetensorsIndex {
  /** Names of the files, ascending. All are in the index's folder. */
  readonly shards: readonly string[];
  /** File of each tensor. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** Further names of tensors that share their data, with their names in the files. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Unchecked value of `metadata.total_size`, the bytes of all tensors. Nothing depends on it. */
  readonly totalSize: unknown;
}

/**
 * Parses an index of huggingface_hub. Its `weight_map` has the file of each tensor. Its `metadata` has the total size and the
 * names of tensors that share their data.
 *
 * @param caller Name of the function, for error messages.
 * @throws IoError if it is invalid, names a tensor twice, or names a file outside its own folder.
 */
export function parseSafetensorsIndex(bytes: Uint8Array, caller = 'parseSafetensorsIndex'): SafetensorsIndex {
  checkArguments('parseSafetensorsIndex', { bytes, caller }, { bytes: 'Uint8Array', 'caller?': 'string' });
  const { weight_map: map, metadata } = parseJsonObject(caller, 'the index of safetensors files', bytes);
  if (!isObject(map) || Object.keys(map).length === 0) {
    throw new IoError(
      `${caller}: expected 'weight_map' with the file of each tensor, got ${shortJson(map)}. ` +
        'The index is damaged or of another format.',
    );
  }
  const weightMap = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (!isShardName(shard)) {
      throw new IoError(
        `${caller}: expected the name of a .safetensors file in the index's folder for the tensor ${shortJson(name)}, ` +
          `got ${shortJson(shard)}. Put all files into one folder.`,
      );
    }
    weightMap.set(name, shard);
  }
  const { total_size: totalSize, ...texts } = isObject(metadata) ? metadata : {};
  const aliases = Object.entries(texts).filter(
    (entry): entry is [string, string] => weightMap.has(String(entry[1])) && !weightMap.has(entry[0]),
  );
  return {
    shards: [...new Set(weightMap.values())].sort(compareCodePoints),
    weightMap,
    aliases: new Map(aliases),
    totalSize,
  };
}

/** Checks that a value names a file in the folder itself, on any system. */
function isShardName(value: unknown): value is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are refused
  return typeof value === 'string' && value.length <= 255 && /^[^/\\:\u0000-\u001f]+\.safetensors$/.test(value);
}

/** Formats an index as Hugging Face's libraries do, with tensors sorted by name. */
export function formatSafetensorsIndex(weightMap: ReadonlyMap<string, string>, totalSize: number): string {
  checkArguments('formatSafetensorsIndex', { weightMap, totalSize }, { weightMap: 'Map', totalSize: 'number' });
  const entries = [...weightMap].sort(([a], [b]) => compareCodePoints(a, b));
  const index = { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(entries) };
  return `${JSON.stringify(index, null, 2)}\n`;
}
