import { toHostTensors } from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import type { ImageArchitecture } from '@dpar/nn';
import { DparError, formatType, type HostTensor, int32, type Tensors } from '@dpar/tensor';
import { checkTokenSet, type TokenSet, tokenSet } from '@dpar/train';

/** The tensors of a safetensors file. */
export async function readTensors(path: string): Promise<Tensors<HostTensor>> {
  return toHostTensors((await readSafetensors(path)).tensors);
}

/**
 * The tokenized images among tensors: `tokens` [N, T], `labels` [N] and, if there are any, `entropies` [N, T - 1].
 * A model without classes needs no labels; the null class is one of the labels.
 * @throws DparError if something is missing or does not fit the model.
 */
export function tokensFor(model: ImageArchitecture, tensors: Tensors<HostTensor>, name: string): TokenSet {
  const { tokens, entropies } = tensors;
  const labels = tensors.labels ?? (!model.kind.hasClasses ? int32([tokens?.shape[0] ?? 0]) : undefined);
  // What else a file calls entropies is no part of the set.
  const fits = entropies !== undefined && model.kind.hasPatches;
  const set = tokenSet({ tokens, labels, ...(fits && { entropies }) });
  checkTokenSet(model, set, name, { nullClass: true });
  return set;
}

/**
 * The patch lengths among tensors, int32 [B, M] padded with zeros; undefined if there are none.
 * @throws DparError if they are not those of the images.
 */
export function patchLengthsOf(
  model: ImageArchitecture,
  { patch_lengths: given }: Tensors<HostTensor>,
  images: number,
) {
  if (given === undefined) return undefined;
  if (given.dtype !== 'int32' || given.shape.length !== 2 || given.shape[0] !== images) {
    throw new DparError(`expected 'patch_lengths' of type int32[${images}, M], got ${formatType(given)}.`);
  }
  const M = given.shape[1] ?? 0;
  const predicted = model.kind.predictedTokens(model.config);
  for (let b = 0; b < images; b++) {
    const sum = given.data.subarray(b * M, (b + 1) * M).reduce((total: number, length: number) => total + length, 0);
    if (sum !== predicted) {
      throw new DparError(
        `expected 'patch_lengths' of image ${b} to sum to ${predicted} tokens, got ${sum}. Check the file.`,
      );
    }
  }
  return { dtype: given.dtype, shape: given.shape, data: given.data };
}
