import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { openFile } from './file-source.js';
import { indexSuffix, parseSafetensorsIndex, type SafetensorsIndex } from './safetensors-index.js';
import { noSuchTensor, openSingleFile, type SafetensorsReader } from './safetensors-reader.js';
import { byteLengthOf, type StoredType, type UnreadType } from './stored.js';

/** Most names per kind of difference in an error. */
const shownNames = 20;

/** Longest index in bytes. Real ones have about 100 bytes per tensor. */
const maximumIndexBytes = 100_000_000;

/** Reads the index of a set of files. @throws IoError if it is missing or refused: see `parseSafetensorsIndex`. */
export async function readIndex(caller: string, path: string): Promise<SafetensorsIndex> {
  const file = await openFile(caller, 'an index of safetensors files', path);
  try {
    if (file.size > maximumIndexBytes) {
      throw new IoError(
        `${caller}: expected an index of at most ${maximumIndexBytes} bytes at '${path}', got ${file.size}. It has another format.`,
      );
    }
    return parseSafetensorsIndex(await file.read(0, file.size), `${caller} ('${path}')`);
  } finally {
    await file.close();
  }
}

/**
 * Opens all files of an index as one. Tensors are ordered by the names of their files.
 *
 * @param caller Name of the function, for error messages.
 * @throws IoError that lists missing files, missing tensors, and tensors that the index does not name or that are in two files.
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
      'Download or write the whole set again.',
  );
}

function checkShards(
  caller: string,
  path: string,
  index: SafetensorsIndex,
  opened: ReadonlyMap<string, SafetensorsReader>,
): void {
  const { weightMap } = index;
  const has = (shard: string | undefined, name: string): boolean => holds(opened.get(shard ?? ''), name);
  const lacking = [...weightMap]
    .filter(([name, shard]) => !has(shard, name))
    .map(([name, shard]) => `'${name}' (${shard})`);
  const twice: string[] = [];
  const unnamed: string[] = [];
  for (const [shard, file] of opened) {
    for (const name of [...file.types.keys(), ...file.unread.keys()]) {
      const place = weightMap.get(name);
      if (place === undefined && isAlias(file, name)) continue;
      if (place === undefined || !has(place, name)) unnamed.push(`'${name}' (${shard})`);
      else if (place !== shard) twice.push(`'${name}' (${place}, ${shard})`);
    }
  }
  const problems: string[] = [];
  if (lacking.length > 0) problems.push(`no ${listed(lacking)}`);
  if (twice.length > 0) problems.push(`twice ${listed(twice)}`);
  if (unnamed.length > 0) problems.push(`${listed(unnamed)}, which the index does not list there`);
  if (problems.length > 0) throw unfit(caller, path, index, problems.join('; '));
}

function holds(file: SafetensorsReader | undefined, name: string): boolean {
  return file !== undefined && (file.types.has(name) || file.unread.has(name));
}

/** Checks that a name in a file is an alias of another tensor. */
function isAlias({ metadata, types }: SafetensorsReader, name: string): boolean {
  return Object.hasOwn(metadata, name) && types.has(metadata[name] as string);
}

function listed(names: readonly string[]): string {
  const more = names.length - shownNames;
  return names.slice(0, shownNames).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function joined(
  caller: string,
  path: string,
  index: SafetensorsIndex,
  opened: ReadonlyMap<string, SafetensorsReader>,
  close: () => Promise<void>,
): SafetensorsReader {
  const { weightMap, aliases } = index;
  const files = [...opened.values()];
  // The file of each name, and its name in the file.
  const places = new Map(files.flatMap((file) => file.names.map((name) => [name, { file, name }] as const)));
  for (const [name, kept] of aliases) {
    const place = places.get(kept);
    if (place !== undefined) places.set(name, place);
  }
  const unread = new Map<string, UnreadType>(files.flatMap((file) => [...file.unread]));
  const names = [...places.keys()];
  const placeOf = (name: string) => places.get(name) ?? noSuchTensor(caller, path, name, names, unread);
  const types = new Map<string, StoredType>(
    Array.from(places, ([name, place]) => [name, place.file.types.get(place.name) as StoredType]),
  );
  const stored = [...weightMap.keys()].flatMap((name) => types.get(name) ?? []);
  return {
    names,
    types,
    unread,
    metadata: commonText(files.map((file) => file.metadata)),
    notes: unread.size > 0 ? [] : sizeNotes(path, index, stored),
    read: async (name) => placeOf(name).file.read(placeOf(name).name),
    readRange: async (name, first, count) => placeOf(name).file.readRange(placeOf(name).name, first, count),
    chunks: (name) => placeOf(name).file.chunks(placeOf(name).name),
    close,
  };
}

/** Note about a wrong total size in an index. */
function sizeNotes(path: string, { totalSize }: SafetensorsIndex, types: readonly StoredType[]): string[] {
  const bytes = types.reduce((sum, type) => sum + (byteLengthOf(type) as number), 0);
  if (totalSize === undefined || totalSize === bytes) return [];
  const text = JSON.stringify(totalSize);
  return [
    `'metadata.total_size' of '${path}' is ${text.length > 50 ? `${text.slice(0, 50)}...` : text}, but the tensors take ` +
      `${bytes} bytes; all of them are present`,
  ];
}

/** Entries that all records have in common. */
function commonText(texts: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const [first = {}, ...others] = texts;
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) =>
      others.every((other) => Object.hasOwn(other, key) && other[key] === value),
    ),
  );
}

/**
 * Files that `openSafetensors` reads for a path: the file itself or, if it is missing, its index and the files that the index
 * names. These may be missing. Empty if there is neither.
 *
 * @throws IoError if the index is refused.
 */
export async function safetensorsFiles(path: string): Promise<string[]> {
  checkArguments('safetensorsFiles', { path }, { path: 'string' });
  if (!path.endsWith(indexSuffix) && existsSync(path)) return [path];
  const index = path.endsWith(indexSuffix) ? path : path + indexSuffix;
  if (!existsSync(index)) return [];
  const { shards } = await readIndex('safetensorsFiles', index);
  return [index, ...shards.map((name) => join(dirname(index), name))];
}
