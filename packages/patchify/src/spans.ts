import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { refuse } from './error.js';

/** First and last token of each patch. */
export interface PatchSpans {
  /** First tokens: int32 [M] */
  readonly starts: Int32Array;
  /** Last tokens (included): int32 [M] */
  readonly ends: Int32Array;
}

const patchSpansKinds: KindsOf<PatchSpans> = { starts: 'number[]', ends: 'number[]', '*': 'any' };

/**
 * Number of tokens in patches.
 *
 * @throws PatchifyError if a length is negative or not a whole number, or a patch follows padding (length 0).
 */
export function tokenCount(lengths: ArrayLike<number>): number {
  checkArguments('tokenCount', { lengths }, { lengths: 'number[]' });
  return countTokens('tokenCount', lengths);
}

/** {@link tokenCount}, with errors that name the function `where`. */
export function countTokens(where: string, lengths: ArrayLike<number>): number {
  let tokens = 0;
  let ended = false;
  for (let m = 0; m < lengths.length; m++) {
    const length = lengths[m] as number;
    if (!(Number.isInteger(length) && length >= 0) || (ended && length > 0)) {
      refuse(where, 'whole patch lengths, then zeros for padding', `${length} at patch ${m}`, 'Check the lengths.');
    }
    ended = length === 0;
    tokens += length;
  }
  return tokens;
}

/**
 * Patch of each token: lengths [M], with or without padding -> int32 [T]. Lengths [1, 2] give [0, 1, 1].
 *
 * @throws PatchifyError as {@link tokenCount}.
 */
export function patchIds(lengths: ArrayLike<number>): Int32Array {
  checkArguments('patchIds', { lengths }, { lengths: 'number[]' });

  const ids = new Int32Array(countTokens('patchIds', lengths));
  let token = 0;
  for (let m = 0; m < lengths.length; m++) {
    const start = token;
    token += lengths[m] as number;
    ids.fill(m, start, token);
  }
  return ids;
}

/**
 * First and last token of each patch: lengths [M] -> starts and ends [M]. Lengths [1, 2] give starts [0, 1] and ends [0, 2].
 * Padding (length 0) gets the empty span from T to T - 1, as in the paper authors' code.
 *
 * @throws PatchifyError as {@link tokenCount}.
 */
export function patchSpans(lengths: ArrayLike<number>): PatchSpans {
  checkArguments('patchSpans', { lengths }, { lengths: 'number[]' });

  countTokens('patchSpans', lengths);
  const starts = new Int32Array(lengths.length);
  const ends = new Int32Array(lengths.length);
  let token = 0;
  for (let m = 0; m < lengths.length; m++) {
    starts[m] = token;
    token += lengths[m] as number;
    ends[m] = token - 1;
  }
  return { starts, ends };
}

/**
 * Patch lengths from the patch of each token: ids [T], ascending from 0 without a gap -> int32 [M]. Inverse of
 * {@link patchIds}.
 */
export function lengthsFromIds(ids: ArrayLike<number>): Int32Array {
  checkArguments('lengthsFromIds', { ids }, { ids: 'number[]' });

  const lengths = new Int32Array(ids.length === 0 ? 0 : (ids[ids.length - 1] as number) + 1);
  let patch = 0;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (id !== patch && (i === 0 || id !== patch + 1)) {
      refuse(
        'lengthsFromIds',
        'ids that ascend from 0 without a gap',
        `${id} at token ${i}`,
        'Sort the tokens by patch.',
      );
    }
    patch = id;
    lengths[id] = (lengths[id] ?? 0) + 1;
  }
  return lengths;
}

/**
 * Patch lengths from the tokens that start a patch: starts [T], true or not 0 where a patch starts -> int32 [M]. Starts
 * [1, 1, 0] give lengths [1, 2].
 *
 * @throws PatchifyError if the first token starts no patch.
 */
export function lengthsFromStarts(starts: ArrayLike<number | boolean>): Int32Array {
  checkArguments('lengthsFromStarts', { starts }, { starts: 'object' });

  const lengths = new Int32Array(starts.length);
  let patches = 0;
  for (let i = 0; i < starts.length; i++) {
    if (starts[i]) patches++;
    else if (patches === 0) {
      refuse('lengthsFromStarts', 'the first token to start a patch', starts[i], 'Pass the starts from token 0 on.');
    }
    lengths[patches - 1] = (lengths[patches - 1] as number) + 1;
  }
  return lengths.slice(0, patches);
}

/**
 * Patch lengths from spans: starts and ends [M] -> int32 [M]. Inverse of `patchSpans`.
 *
 * @throws PatchifyError as {@link tokenCount}.
 */
export function lengthsFromSpans(patchSpans: {
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
}): Int32Array {
  checkArguments('lengthsFromSpans', { patchSpans }, { patchSpans: patchSpansKinds });
  const { starts, ends } = patchSpans;
  const lengths = Array.from(starts, (start, m) => (ends[m] ?? Number.NaN) - start + 1);
  let token = 0;
  for (let m = 0; m < lengths.length; m++) {
    if (starts[m] !== token) {
      refuse('lengthsFromSpans', `patch ${m} to start at token ${token}`, starts[m], 'Pass consecutive spans.');
    }
    token += lengths[m] as number;
  }
  countTokens('lengthsFromSpans', lengths);
  return Int32Array.from(lengths);
}
