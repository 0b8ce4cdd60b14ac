import { type FileHandle, open } from 'node:fs/promises';
import type { ByteSource } from './byte-stream.js';
import { IoError } from './error.js';

/** An open file as a source of bytes. */
export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/** Most bytes asked of the system at a time; it takes no more than 2 GiB. */
const readBytes = 1 << 30;

/**
 * Opens a file of any size to read.
 *
 * @param caller Name of the function, for error messages.
 * @param what What the file should be, for error messages: `a safetensors file`.
 * @throws IoError if there is no file.
 */
export async function openFile(caller: string, what: string, path: string): Promise<FileSource> {
  const handle = await openToRead(caller, what, path);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new IoError(`${caller}: expected a file at '${path}', got something else.`);
    const read = (position: number, length: number): Promise<Uint8Array> =>
      readExactly(handle, caller, path, length, position);
    return { size: status.size, read, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openToRead(caller: string, what: string, path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
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
  const bytes = allocate(caller, path, length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, readBytes), position + done);
    if (bytesRead === 0) {
      throw new IoError(
        `${caller}: expected ${length} bytes at ${position} in '${path}', got ${done}. The file was cut while it was read.`,
      );
    }
    done += bytesRead;
  }
  return bytes;
}

function allocate(caller: string, path: string, length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new IoError(`${caller}: expected memory for ${length} bytes of '${path}', got none. It is too large.`);
  }
}
