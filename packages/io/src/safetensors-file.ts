import { type FileHandle, open } from 'node:fs/promises';
import { writeFileAtomic } from './atomic-file.js';
import { IoError } from './error.js';
import {
  type SafetensorsContent,
  type SafetensorsOptions,
  safetensorsChunks,
  type WritableTensors,
} from './safetensors.js';
import { type HeaderEntry, parseHeader, parseHeaderLength, prefixBytes } from './safetensors-header.js';
import { formatStoredType, type StoredTensor, type StoredType } from './stored.js';

/** An open safetensors file, of which only the header has been read. */
export interface SafetensorsReader {
  /** Names in the order of the data in the file. */
  readonly names: readonly string[];
  /** Element types and shapes by name. */
  readonly types: ReadonlyMap<string, StoredType>;
  /** Free text by key, empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Reads one tensor into memory of its own.
   * @throws IoError if the file has no tensor of this name, or has become shorter.
   */
  read(name: string): Promise<StoredTensor>;
  /** Closes the file. */
  close(): Promise<void>;
}

/** Most bytes asked of the system at a time; it takes no more than 2 GiB. */
const readBytes = 1 << 30;

async function readExactly(handle: FileHandle, path: string, length: number, position: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, readBytes), position + done);
    if (bytesRead === 0) {
      throw new IoError(
        `openSafetensors: expected ${length} bytes at ${position} in '${path}', got ${done}. The file was cut while it was read.`,
      );
    }
    done += bytesRead;
  }
  return bytes;
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new IoError(`openSafetensors: expected a safetensors file at '${path}', got none. Check the path.`);
  }
}

/**
 * Opens a safetensors file of any size, reads its header, and reads tensors when asked for. Close it afterwards.
 *
 * @throws IoError if there is no file, or its header is refused: see `parseSafetensors`.
 */
export async function openSafetensors(path: string): Promise<SafetensorsReader> {
  const handle = await openToRead(path);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new IoError(`openSafetensors: expected a file at '${path}', got something else.`);
    const caller = `openSafetensors ('${path}')`;
    const prefix = await readExactly(handle, path, Math.min(prefixBytes, status.size), 0);
    const headerBytes = parseHeaderLength(caller, prefix, status.size);
    const dataStart = prefixBytes + headerBytes;
    const bytes = await readExactly(handle, path, headerBytes, prefixBytes);
    const { entries, metadata } = parseHeader(caller, bytes, status.size - dataStart);
    return reader(handle, path, dataStart, entries, metadata);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function reader(
  handle: FileHandle,
  path: string,
  dataStart: number,
  entries: readonly HeaderEntry[],
  metadata: Readonly<Record<string, string>>,
): SafetensorsReader {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    names: [...byName.keys()],
    types: byName,
    metadata,
    async read(name) {
      const entry = byName.get(name);
      if (entry === undefined) {
        const some = entries.slice(0, 5).map((other) => `'${other.name}'`);
        throw new IoError(
          `openSafetensors: expected a tensor of '${path}', got the name '${name}'. ` +
            `Its ${entries.length} tensors are ${some.join(', ')}${entries.length > some.length ? ', ...' : ''}.`,
        );
      }
      const { dtype, shape, begin, end } = entry;
      try {
        return { dtype, shape, bytes: await readExactly(handle, path, end - begin, dataStart + begin) };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const type = formatStoredType(entry);
        throw new IoError(
          `openSafetensors: expected memory for '${name}' of '${path}', ${type}, got none. It is too large.`,
        );
      }
    },
    close: () => handle.close(),
  };
}

/**
 * Reads a whole safetensors file of any size. Each tensor has memory of its own, aligned for its element type.
 *
 * @throws IoError if there is no file, or it is refused: see `parseSafetensors`.
 */
export async function readSafetensors(path: string): Promise<SafetensorsContent> {
  const file = await openSafetensors(path);
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const name of file.names) tensors.set(name, await file.read(name));
    return { tensors, metadata: file.metadata };
  } finally {
    await file.close();
  }
}

/**
 * Writes a safetensors file of any size, atomically and without a copy of it in memory. The same tensors give the same
 * bytes; float32 tensors are written as `options.dtype` says.
 *
 * @throws IoError if a tensor's data do not fit its shape or a name is reserved.
 */
export async function writeSafetensors(
  path: string,
  tensors: WritableTensors,
  options: SafetensorsOptions = {},
): Promise<void> {
  await writeFileAtomic(path, safetensorsChunks(tensors, options));
}
