/**
 * Bytes of a program that takes in exports of a module, without other packages, minified and compressed by gzip.
 *
 * @param file Absolute path of a source or of a built file.
 * @param exports Such as `{ a, b }` (default: all).
 * @throws Error of esbuild if there is no such file, or something in it is wrong.
 */
export function compressedBytes(file: string, exports?: string): Promise<number>;
