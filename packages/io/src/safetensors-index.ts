import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { isObject, parseJsonObject } from './json.js';
import { isCount } from './stored.js';

/** What follows the name of a file's first part in the name of its index: `model.safetensors.index.json`. */
export const indexSuffix = '.index.json';

/** The index of tensors that lie in several safetensors files, Hugging Face's layout. */
export interface SafetensorsIndex {
  /** Names of the files, ascending. All lie beside the index. */
  readonly shards: readonly string[];
  /** The file of each tensor. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** Bytes of all tensors together; undefined if the index does not say. */
  readonly totalSize: number | undefined;
}

/**
 * Reads an index: `weight_map`, the file of each tensor, and `metadata.total_size`.
 *
 * @param caller Name of the function, for error messages.
 * @throws IoError if it is not of this form, names a tensor twice, or names a file that is not of its own folder.
 */
export function parseSafetensorsIndex(bytes: Uint8Array, caller = 'parseSafetensorsIndex'): SafetensorsIndex {
  checkArguments('parseSafetensorsIndex', { bytes, caller }, { bytes: 'Uint8Array', 'caller?': 'string' });

  const { weight_map: map, metadata = {} } = parseJsonObject(caller, 'the index of safetensors files', bytes);
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
  const totalSize = isObject(metadata) ? metadata.total_size : metadata;
  if (totalSize !== undefined && !isCount(totalSize)) {
    throw new IoError(
      `${caller}: expected a whole number of bytes as 'metadata.total_size', got ${shown(totalSize)}. The index is damaged.`,
    );
  }
  return { shards: [...new Set(weightMap.values())].sort(), weightMap, totalSize };
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

  const entries = [...weightMap].sort(([a], [b]) => (a < b ? -1 : 1));
  const index = { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(entries) };
  return `${JSON.stringify(index, null, 2)}\n`;
}
