import { checkArguments } from './check-arguments.js';
import { compareCodePoints } from './code-points.js';
import { IoError } from './error.js';
import { isObject, parseJsonObject } from './json.js';

/** What follows the name of a file's first part in the name of its index: `model.safetensors.index.json`. */
export const indexSuffix = '.index.json';

/** The index of tensors that lie in several safetensors files, Hugging Face's layout. */
export interface SafetensorsIndex {
  /** Names of the files, ascending. All lie beside the index. */
  readonly shards: readonly string[];
  /** The file of each tensor. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** Further names of tensors that share their data, with the name under which they lie in a file. */
  readonly aliases: ReadonlyMap<string, string>;
  /** `metadata.total_size` as it stands there: bytes of all tensors together, if it is right. Nothing depends on it. */
  readonly totalSize: unknown;
}

/**
 * Reads an index: `weight_map`, the file of each tensor, and of `metadata` the total size and the names of tensors that share
 * their data, as huggingface_hub writes them.
 *
 * @param caller Name of the function, for error messages.
 * @throws IoError if it is not of this form, names a tensor twice, or names a file that is not of its own folder.
 */
export function parseSafetensorsIndex(bytes: Uint8Array, caller = 'parseSafetensorsIndex'): SafetensorsIndex {
  checkArguments('parseSafetensorsIndex', { bytes, caller }, { bytes: 'Uint8Array', 'caller?': 'string' });

  const { weight_map: map, metadata } = parseJsonObject(caller, 'the index of safetensors files', bytes);
  if (!isObject(map) || Object.keys(map).length === 0) {
    throw new IoError(
      `${caller}: expected 'weight_map' with the file of each tensor, got ${shown(map)}. The index is damaged or of another format.`,
    );
  }
  const weightMap = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (!isShardName(shard)) {
      throw new IoError(
        `${caller}: expected the name of a .safetensors file beside the index for the tensor ${shown(name)}, got ${shown(shard)}. ` +
          'An index that leads elsewhere is not followed.',
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

/** Whether a value names a file of a folder and nothing outside, on any system. */
function isShardName(value: unknown): value is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return typeof value === 'string' && value.length <= 255 && /^[^/\\:\u0000-\u001f]+\.safetensors$/.test(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'none';
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

/** The text of an index, as Hugging Face's libraries write it: tensors by name. */
export function formatSafetensorsIndex(weightMap: ReadonlyMap<string, string>, totalSize: number): string {
  checkArguments('formatSafetensorsIndex', { weightMap, totalSize }, { weightMap: 'Map', totalSize: 'number' });

  const entries = [...weightMap].sort(([a], [b]) => compareCodePoints(a, b));
  const index = { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(entries) };
  return `${JSON.stringify(index, null, 2)}\n`;
}
