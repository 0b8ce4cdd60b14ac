/**
 * Size in bytes of a program with exports of a module, without other packages, minified and compressed by gzip.
 *
 * @param file Absolute path of a source or of a built file.
 * @param exports Exports such as `{ a, b }` (default: all).
 * @throws Error of esbuild if the file is missing or invalid.
 */
export function compressedBytes(file: string, exports?: string): Promise<number>;
