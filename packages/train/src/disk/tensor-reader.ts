import type { StoredTensor, StoredType } from '@dpar/io';
import { openNpy, openSafetensors } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';

/** One tensor in an open file, whatever the file's format. */
export interface TensorReader {
  readonly type: StoredType;
  /** Consecutive elements in row-major order: a tensor [count]. */
  readRange(first: number, count: number): Promise<StoredTensor>;
  close(): Promise<void>;
}

/** Whether a path is that of an npy file, by its name. */
export const isNpy = (path: string): boolean => path.endsWith('.npy');

/**
 * Opens the tensor of a safetensors file that has this name, or the one of an npy file.
 * @throws IoError if the file is missing or damaged; DparError if it has no such tensor.
 */
export async function openTensor(path: string, name: string): Promise<TensorReader> {
  if (isNpy(path)) return openNpy(path);
  const file = await openSafetensors(path);
  const type = file.types.get(name);
  // One of a type that is not read says so.
  if (file.unread.has(name)) await file.read(name).finally(() => file.close());
  if (type !== undefined) {
    return { type, readRange: (first, count) => file.readRange(name, first, count), close: () => file.close() };
  }
  await file.close();
  throw new DparError(
    `openTensor: expected '${name}' in '${path}', got ${file.names.map((other) => `'${other}'`).join(', ') || 'no tensors'}. ` +
      'Pass files with tokens [N, T] and labels [N].',
  );
}
