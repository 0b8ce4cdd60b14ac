import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { findFolder, writeFolderAtomic } from './atomic-folder.js';
import { checkArguments } from './check-arguments.js';
import { toHostTensor } from './convert.js';
import { IoError } from './error.js';
import { areScales, fromInt8, scalesOf } from './int8.js';
import { parseJsonObject } from './json.js';
import { writeJson } from './json-file.js';
import type { StreamedTensors } from './safetensors.js';
import {
  openSafetensors,
  type SafetensorsFileOptions,
  safetensorsFileOptionsKinds,
  writeSafetensors,
} from './safetensors-file.js';
import { indexSuffix } from './safetensors-index.js';
import { type SafetensorsReader, unreadTensor } from './safetensors-reader.js';
import type { HostTensor } from './stored.js';

/** Names of the files of a checkpoint. */
export const checkpointFiles = { config: 'config.json', model: 'model.safetensors' } as const;

/** Content of a checkpoint folder. */
export interface Checkpoint {
  /** Unchecked object of `config.json`, with snake_case keys. */
  readonly config: Record<string, unknown>;
  /** Tensors of `model.safetensors` by name. */
  readonly parameters: Record<string, HostTensor>;
  /** Notes for the user on defects of the files that do not affect the parameters. Undefined if there are no defects. */
  readonly notes?: readonly string[] | undefined;
}

/** Options of {@link writeCheckpoint}. */
export interface CheckpointOptions extends SafetensorsFileOptions {
  /** Writes further files into the folder, such as the optimizer's state, before it appears. */
  readonly more?: (folder: string) => Promise<void>;
}

const checkpointOptionsKinds: KindsOf<CheckpointOptions> = {
  'more?': 'function',
  ...safetensorsFileOptionsKinds,
};

/** Options of {@link readCheckpoint}. */
export interface CheckpointReadOptions {
  /** Name of the file with the parameters. Default: `model.safetensors`. */
  readonly weights?: string;
}

const checkpointReadOptionsKinds: KindsOf<CheckpointReadOptions> = { 'weights?': 'string' };

/** An open checkpoint, whose tensors are read on demand. */
export interface OpenCheckpoint extends Pick<Checkpoint, 'config'> {
  /** Folder in which the files were found. */
  readonly folder: string;
  /** Open `model.safetensors`. Close it afterwards. */
  readonly parameters: SafetensorsReader;
}

/**
 * Reads `config.json` of a folder and opens `model.safetensors`, or the files of `model.safetensors.index.json`.
 *
 * @throws IoError if a file is missing or damaged.
 */
export async function openCheckpoint(folder: string, options: CheckpointReadOptions = {}): Promise<OpenCheckpoint> {
  checkArguments('openCheckpoint', { folder, options }, { folder: 'string', 'options?': checkpointReadOptionsKinds });
  const { weights = checkpointFiles.model } = options;
  const found = await findFolder(folder);
  const wanted = [checkpointFiles.config, weights];
  const isThere = (name: string): boolean => found !== undefined && existsSync(join(found, name));
  const missing = wanted.filter((name) => !isThere(name) && !(name === weights && isThere(name + indexSuffix)));
  if (found === undefined || missing.length > 0) {
    throw new IoError(
      `readCheckpoint: expected ${wanted.join(' and ')} in the folder '${folder}', ` +
        `got ${found === undefined ? 'no such folder' : `none named ${missing.join(' or ')}`}. Pass a checkpoint's folder.`,
    );
  }
  const configPath = join(found, checkpointFiles.config);
  const config = parseJsonObject('readCheckpoint', `'${configPath}'`, await readFile(configPath));
  return { config, folder: found, parameters: await openSafetensors(join(found, weights)) };
}

/**
 * Reads `config.json` and `model.safetensors` of a folder, in one file or several. Half-precision and 8-bit parameters (see
 * `int8Weights`) become float32.
 *
 * @throws IoError if a file is missing or damaged.
 */
export async function readCheckpoint(folder: string, options: CheckpointReadOptions = {}): Promise<Checkpoint> {
  checkArguments('readCheckpoint', { folder, options }, { folder: 'string', 'options?': checkpointReadOptionsKinds });
  const { config, parameters: file } = await openCheckpoint(folder, options);
  const parameters: Record<string, HostTensor> = Object.create(null);
  try {
    for (const [name, type] of file.unread) throw unreadTensor('readCheckpoint', `'${name}' in '${folder}'`, type);
    for (const name of file.names.filter((name) => !areScales(name, file.types))) {
      const stored = await file.read(name);
      const scales = scalesOf(name, file.types);
      const label = `'${name}'`;
      parameters[name] = scales ? fromInt8(stored, await file.read(scales), label) : toHostTensor(stored, label);
    }
  } finally {
    await file.close();
  }
  return { config, parameters, notes: file.notes.length > 0 ? file.notes : undefined };
}

/**
 * Writes a folder with `config.json` and `model.safetensors` atomically. An existing folder is replaced with all its files. Only
 * one process may write the same folder at a time.
 *
 * @param config Any JSON object, with snake_case keys by convention.
 * @throws IoError if `folder` is a file, or the parameters are refused: see `writeSafetensors`.
 */
export async function writeCheckpoint(
  folder: string,
  config: object,
  parameters: StreamedTensors,
  options: CheckpointOptions = {},
): Promise<void> {
  checkArguments(
    'writeCheckpoint',
    { folder, config, parameters, options },
    { folder: 'string', config: 'object', parameters: 'Map | object', 'options?': checkpointOptionsKinds },
  );
  const { more, ...format } = options;
  await writeFolderAtomic(folder, async (partial) => {
    await writeJson(join(partial, checkpointFiles.config), config);
    await writeSafetensors(join(partial, checkpointFiles.model), parameters, format);
    await more?.(partial);
  });
}
