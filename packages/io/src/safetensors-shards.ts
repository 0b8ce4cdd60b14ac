import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { IoError } from './error.js';
import { openFile } from './file-source.js';
import { parseSafetensorsIndex, type SafetensorsIndex } from './safetensors-index.js';
import { noSuchTensor, openSingleFile, type SafetensorsReader } from './safetensors-reader.js';
import { byteLengthOf, type StoredType } from './stored.js';

/** Most names that an error shows of each kind of difference. */
const shownNames = 20;

/** Longest index read, in bytes; real ones have about 100 for each tensor. */
const maximumIndexBytes = 100_000_000;

/** Reads the index of a set of files. @throws IoError if there is none, or it is refused: see `parseSafetensorsIndex`. */
export async function readIndex(caller: string, path: string): Promise<SafetensorsIndex> {
  const file = await openFile(caller, 'an index of safetensors files', path);
  try {
    if (file.size > maximumIndexBytes) {
      throw new IoError(
        `${caller}: expected an index of at most ${maximumIndexBytes} bytes at '${path}', got ${file.size}. It is of another format.`,
      );
    }
    return parseSafetensorsIndex(await file.read(0, file.size), `${caller} ('${path}')`);
  } finally {
    await file.close();
  }
}

/**
 * Opens all files that an index names, as one. Tensors come file by file in the order of the files' names.
 *
 * @param caller Name of the function, for error messages.
 * @throws IoError that lists files that are missing, tensors that a file lacks, and those that the index does not name or
 * that lie in two files; also if the tensors have not the bytes that the index says.
 */
export async function openShards(caller: string, path: string): Promise<SafetensorsReader> {
  const index = await readIndex(caller, path);
  const missing = index.shards.filter((shard) => !existsSync(join(dirname(path), shard)));
  if (missing.length > 0) throw unfit(caller, path, index, `no file named ${listed(missing)}`);
  const opened = new Map<string, SafetensorsReader>();
  const close = async (): Promise<void> => {
    for (const file of opened.values()) await file.close();
  };
  try {
    for (const shard of index.shards) opened.set(shard, await openSingleFile(caller, join(dirname(path), shard)));
    checkShards(caller, path, index, opened);
    return joined(caller, path, index, opened, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function unfit(caller: string, path: string, { weightMap, shards }: SafetensorsIndex, got: string): IoError {
  return new IoError(
    `${caller}: expected the ${shards.length} files and ${weightMap.size} tensors of '${path}', got ${got}. ` +
      'Fetch or write the whole set again.',
  );
}

function checkShards(
  caller: string,
  path: string,
  index: SafetensorsIndex,
  opened: ReadonlyMap<string, SafetensorsReader>,
): void {
  const { weightMap, totalSize } = index;
  const has = (shard: string | undefined, name: string): boolean => opened.get(shard ?? '')?.types.has(name) ?? false;
  const lacking = [...weightMap]
    .filter(([name, shard]) => !has(shard, name))
    .map(([name, shard]) => `'${name}' (${shard})`);
  const twice: string[] = [];
  const unnamed: string[] = [];
  let bytes = 0;
  for (const [shard, file] of opened) {
    for (const [name, type] of file.types) {
      bytes += byteLengthOf(type) as number;
      const place = weightMap.get(name);
      if (place === undefined || !has(place, name)) unnamed.push(`'${name}' (${shard})`);
      else if (place !== shard) twice.push(`'${name}' (${place}, ${shard})`);
    }
  }
  const problems = [
    ...(lacking.length > 0 ? [`no ${listed(lacking)} where the index says`] : []),
    ...(twice.length > 0 ? [`twice ${listed(twice)}`] : []),
    ...(unnamed.length > 0 ? [`where the index does not say ${listed(unnamed)}`] : []),
  ];
  if (problems.length > 0) throw unfit(caller, path, index, problems.join('; '));
  if (totalSize !== undefined && totalSize !== bytes) {
    throw unfit(caller, path, index, `${bytes} bytes of tensors, not the ${totalSize} of 'metadata.total_size'`);
  }
}

function listed(names: readonly string[]): string {
  const more = names.length - shownNames;
  return names.slice(0, shownNames).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function joined(
  caller: string,
  path: string,
  { weightMap }: SafetensorsIndex,
  opened: ReadonlyMap<string, SafetensorsReader>,
  close: () => Promise<void>,
): SafetensorsReader {
  const files = [...opened.values()];
  const names = files.flatMap((file) => file.names);
  const fileOf = (name: string): SafetensorsReader =>
    opened.get(weightMap.get(name) ?? '') ?? noSuchTensor(caller, path, name, names);
  const types = new Map<string, StoredType>(files.flatMap((file) => [...file.types]));
  return {
    names,
    types,
    metadata: commonText(files.map((file) => file.metadata)),
    read: async (name) => fileOf(name).read(name),
    readRange: async (name, first, count) => fileOf(name).readRange(name, first, count),
    chunks: (name) => fileOf(name).chunks(name),
    close,
  };
}

/** The entries that all have. */
function commonText(texts: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const [first = {}, ...others] = texts;
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) =>
      others.every((other) => Object.hasOwn(other, key) && other[key] === value),
    ),
  );
}
