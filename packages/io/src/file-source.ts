import { type FileHandle, open } from 'node:fs/promises';
import { allocate, type ByteSource } from './byte-stream.js';
import { codeOf, IoError } from './error.js';

/** An open file as a source of bytes. */
export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/** Most bytes per read call. The system's limit is 2 GiB. */
const readBytes = 1 << 30;

/**
 * Opens a file of any size for reading.
 *
 * @param caller Name of the function, for error messages.
 * @param what Expected kind of file, for error messages: `a safetensors file`.
 * @throws IoError if there is no file.
 */
export async function openFile(caller: string, what: string, path: string): Promise<FileSource> {
  const handle = await openToRead(caller, what, path);
  try {
    const status = await handle.stat();
    if (!status.isFile()) {
      const got = status.isDirectory() ? 'a folder' : 'a device or socket';
      throw new IoError(`${caller}: expected a file at '${path}', got ${got}. Check the path.`);
    }
    const read = (position: number, length: number): Promise<Uint8Array> =>
      readExactly(handle, caller, path, length, position);
    return { size: status.size, read, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Opens a file and makes a reader from it. If that fails, the file is closed. */
export async function openReader<R>(
  caller: string,
  what: string,
  path: string,
  make: (file: FileSource) => Promise<R>,
): Promise<R> {
  const file = await openFile(caller, what, path);
  try {
    return await make(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openToRead(caller: string, what: string, path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new IoError(`${caller}: expected ${what} at '${path}', got none. Check the path.`);
  }
}

async function readExactly(
  handle: FileHandle,
  caller: string,
  path: string,
  length: number,
  position: number,
): Promise<Uint8Array> {
  const bytes = allocate(caller, path, length, 'It is too large.');
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, readBytes), position + done);
    if (bytesRead === 0) {
      throw new IoError(
        `${caller}: expected ${length} bytes at ${position} in '${path}', got ${done}. The file was truncated while it was read.`,
      );
    }
    done += bytesRead;
  }
  return bytes;
}
