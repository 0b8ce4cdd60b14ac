import { toHostTensors } from '@dpar/io';
import { readSafetensors, writeSafetensors } from '@dpar/io/node';
import { type TokenSet, tokenSet, tokenSetKinds } from '../batches/token-set.js';
import { checkArguments } from '../check-arguments.js';

/**
 * Reads a token set from a safetensors file with `tokens` [N, T], `labels` [N] and, if they are in it, `entropies`
 * [N, T - 1].
 * @param entropiesPath Another file to take `entropies` from.
 * @throws DparError if a tensor is missing or does not fit; IoError if a file is missing or damaged.
 */
export async function readTokenSet(path: string, entropiesPath?: string): Promise<TokenSet> {
  checkArguments('readTokenSet', { path, entropiesPath }, { path: 'string', 'entropiesPath?': 'string' });

  const { tokens, labels, entropies } = toHostTensors((await readSafetensors(path)).tensors);
  if (entropiesPath === undefined) return tokenSet({ tokens, labels, entropies });
  const beside = toHostTensors((await readSafetensors(entropiesPath)).tensors);
  return tokenSet({ tokens, labels, entropies: beside.entropies });
}

/** Writes a token set as {@link readTokenSet} reads it. @throws IoError for data that do not fit their type. */
export async function writeTokenSet(path: string, tokenSet: TokenSet): Promise<void> {
  checkArguments('writeTokenSet', { path, tokenSet }, { path: 'string', tokenSet: tokenSetKinds });
  const { tokens, labels, entropies } = tokenSet;
  await writeSafetensors(path, { tokens, labels, ...(entropies && { entropies }) });
}
