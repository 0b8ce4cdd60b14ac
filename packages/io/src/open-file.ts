import { type FileHandle, open } from 'node:fs/promises';
import { IoError } from './error.js';

/** An open file, read by ranges of bytes. */
export interface OpenFile {
  /** Length in bytes when it was opened. */
  readonly size: number;
  /**
   * Reads bytes into memory of their own.
   * @throws IoError if the file has become shorter.
   */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Most bytes asked of the system at a time; it takes no more than 2 GiB. */
const readBytes = 1 << 30;

/**
 * Opens a file to read from.
 *
 * @param caller Name of the function, for error messages.
 * @param what What the file is, such as `a safetensors file`.
 * @throws IoError if there is no file.
 */
export async function openFile(caller: string, what: string, path: string): Promise<OpenFile> {
  const handle = await openToRead(caller, what, path);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new IoError(`${caller}: expected a file at '${path}', got something else.`);
    return {
      size: status.size,
      read: (position, length) => readExactly(caller, handle, path, position, length),
      close: () => handle.close(),
    };
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
  caller: string,
  handle: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
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
