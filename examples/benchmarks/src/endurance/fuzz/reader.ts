/** A way to read a file from the disk. */
export interface FuzzReader {
  readonly name: string;
  /** Name of the file. */
  readonly file: string;
  /** Makes a valid file, and writes the files that are read with it. @param folder Empty folder. */
  prepare(folder: string): Promise<Uint8Array>;
  /** True for readers of bytes, whose errors cannot name a file. */
  readonly takesBytes?: boolean;
  /** True for readers that use sharp, which refuses arrays of the constructors that count memory. */
  readonly isUncounted?: boolean;
  /** Reads the file at the path. */
  read(path: string): Promise<unknown>;
}
