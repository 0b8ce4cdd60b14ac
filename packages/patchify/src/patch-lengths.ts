import { type PatchingOptions, patchingOptionsKinds, rulesOf } from './boundaries.js';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';

/**
 * Patch lengths of one image.
 *
 * @param entropies [T - 1]: entry j is the entropy (nats) of predicting token j + 1 from tokens 0 to j. The modes
 * `static` and `token`, which need no entropies, also take the number of tokens T instead.
 * @returns int32 [M], all at least 1; they sum to T, or to T + 1 with an end-of-image token.
 * @throws PatchifyError if an entropy is not a number or an option is wrong.
 */
export function patchLengths(entropies: ArrayLike<number> | number, options: PatchingOptions): Int32Array {
  checkArguments(
    'patchLengths',
    { entropies, options },
    { entropies: 'number | number[]', options: patchingOptionsKinds },
  );

  const tokens = typeof entropies === 'number' ? entropies : entropies.length + 1;
  checkWhole('patchLengths', 'tokens', tokens, 1);
  const lengths = new Int32Array(tokens + (options.endOfImage ? 1 : 0));
  return lengths.slice(0, fillPatchLengths('patchLengths', lengths, entropies, options));
}

/**
 * As {@link patchLengths}, into the start of an array that the caller keeps, of at least T entries (T + 1 with an
 * end-of-image token: there are never more patches). What follows the lengths in it is left as it was.
 *
 * @returns The number of patches M.
 */
export function writePatchLengths(
  target: Int32Array,
  entropies: ArrayLike<number> | number,
  options: PatchingOptions,
): number {
  checkArguments(
    'writePatchLengths',
    { target, entropies, options },
    { target: 'Int32Array', entropies: 'number | number[]', options: patchingOptionsKinds },
  );
  return fillPatchLengths('writePatchLengths', target, entropies, options);
}

/** As {@link writePatchLengths}, for a function that is called `where`. */
export function fillPatchLengths(
  where: string,
  target: Int32Array,
  entropies: ArrayLike<number> | number,
  options: PatchingOptions,
): number {
  const starts = rulesOf(where, options).startRule(where, options);
  const known: ArrayLike<number> = typeof entropies === 'number' ? [] : entropies;
  const tokens = typeof entropies === 'number' ? entropies : entropies.length + 1;
  const needed = tokens + (options.endOfImage ? 1 : 0);
  if (target.length < needed) refuse(where, `a target of ${needed} entries`, target.length, 'Allocate a longer one.');

  let patches = 0;
  let length = 1; // of the current patch, which x_0 starts
  for (let i = 1; i < tokens; i++) {
    if (starts(i, length, patches + 1, known[i - 1] as number)) {
      target[patches++] = length;
      length = 0;
    }
    length++;
  }
  target[patches++] = length;
  if (options.endOfImage) target[patches++] = 1;
  return patches;
}
