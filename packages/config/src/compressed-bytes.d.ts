/**
 * Bytes of a program that takes in all exports of a module, without other packages, minified and compressed by gzip.
 *
 * @param file Absolute path of a source or of a built file.
 * @throws Error of esbuild if there is no such file, or something in it is wrong.
 */
export function compressedBytes(file: string): Promise<number>;
