/** Bytes that are read range by range: a file, or memory. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /**
   * The bytes of a range, which lies within the source.
   * @throws IoError if the source has become shorter, or there is no memory for them.
   */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** Bytes in memory as a source; ranges are views of them. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    // A Node Buffer's subarray would be a Buffer.
    read: async (position, length) => new Uint8Array(bytes.buffer, bytes.byteOffset + position, length),
  };
}
