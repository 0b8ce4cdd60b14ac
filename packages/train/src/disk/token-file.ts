import { type StoredTensor, type StoredType, toHostTensors } from '@dpar/io';
import { openNpy, openSafetensors, readSafetensors, writeSafetensors } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { type TokenSet, tokenSet, tokenSetKinds } from '../batches/token-set.js';
import { checkArguments } from '../check-arguments.js';

/** One tensor in an open npy or safetensors file. */
export interface TensorReader {
  readonly type: StoredType;
  /** Reads consecutive elements in row-major order: a tensor [count]. */
  readRange(first: number, count: number): Promise<StoredTensor>;
  close(): Promise<void>;
}

/** True for the name of an npy file. */
export const isNpy = (path: string): boolean => path.endsWith('.npy');

/**
 * Opens a tensor of a safetensors file by its name, or the tensor of an npy file.
 * @throws IoError if the file is missing or damaged; DparError if it has no such tensor.
 */
export async function openTensor(path: string, name: string): Promise<TensorReader> {
  if (isNpy(path)) return openNpy(path);
  const file = await openSafetensors(path);
  const type = file.types.get(name);
  // Throws for an unsupported type.
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

/**
 * Reads a token set from a safetensors file with `tokens` [N, T], `labels` [N] and optionally `entropies` [N, T - 1].
 * @param entropiesPath Another file that holds `entropies`.
 * @throws DparError if a tensor is missing or has a wrong shape or type; IoError if a file is missing or damaged.
 */
export async function readTokenSet(path: string, entropiesPath?: string): Promise<TokenSet> {
  checkArguments('readTokenSet', { path, entropiesPath }, { path: 'string', 'entropiesPath?': 'string' });

  const { tokens, labels, entropies } = toHostTensors((await readSafetensors(path)).tensors);
  if (entropiesPath === undefined) return tokenSet({ tokens, labels, entropies });
  const beside = toHostTensors((await readSafetensors(entropiesPath)).tensors);
  return tokenSet({ tokens, labels, entropies: beside.entropies });
}

/** Writes a token set for {@link readTokenSet}. @throws IoError for data that do not fit their type. */
export async function writeTokenSet(path: string, tokenSet: TokenSet): Promise<void> {
  checkArguments('writeTokenSet', { path, tokenSet }, { path: 'string', tokenSet: tokenSetKinds });
  const { tokens, labels, entropies } = tokenSet;
  await writeSafetensors(path, entropies === undefined ? { tokens, labels } : { tokens, labels, entropies });
}
