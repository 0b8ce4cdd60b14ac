import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';

/** Sizes of a dense layout. */
export interface DenseOptions {
  /** Number N of tokens of each image that are laid out: the first N. */
  readonly tokens: number;
  /** Number P of slots of each patch: at least the length of the longest patch. */
  readonly slots: number;
  /** Number of patches of each image that are laid out, from the first on. Default: all M. */
  readonly patches?: number;
  /** Allows patches with fewer than N tokens in all; the other tokens get no slot (default: false). */
  readonly partial?: boolean;
}

const denseOptionsKinds: KindsOf<DenseOptions> = {
  tokens: 'number',
  slots: 'number',
  'patches?': 'number',
  'partial?': 'boolean',
};

/**
 * Dense layout of patches: the slot of each token, for B images, N tokens, M patches and P slots. `slotToken` and `tokenSlot`
 * are inverse to each other: one gathers the states, the other their gradients. All three are also host tensors of
 * `@dpar/tensor`.
 */
export interface DensePatches {
  /** Row b N + t of the token in each slot, -1 for an empty slot: int32 [B, M, P] */
  readonly slotToken: { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array };
  /** Slot (b M + m) P + p of each token, -1 if its patch is left out: int32 [B N] */
  readonly tokenSlot: { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array };
  /**
   * Slots that hold a token: bool [B, M, P]. A patch without tokens has slot 0 marked, so that a softmax over its slots is
   * defined.
   */
  readonly slotMask: { readonly dtype: 'bool'; readonly shape: readonly number[]; readonly data: Uint8Array };
}

/**
 * Lays patches out densely. The tokens of a patch fill its slots from 0 on.
 *
 * @param patchLengths [B, M] over all tokens, padded with zeros on the right.
 * @throws PatchifyError if a patch has more than P tokens, a patch follows padding, or patches have fewer than N tokens (see
 * `partial`).
 */
export function densePatches(
  patchLengths: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  options: DenseOptions,
): DensePatches {
  checkArguments(
    'densePatches',
    { patchLengths, options },
    { patchLengths: { shape: 'number[]', data: 'number[]', '*': 'any' }, options: denseOptionsKinds },
  );

  const [batch = 0, columns = 0] = patchLengths.shape;
  const { tokens, slots, patches = columns, partial = false } = options;
  checkWhole('densePatches', 'tokens', tokens, 0);
  checkWhole('densePatches', 'slots', slots, 1);
  checkWhole('densePatches', 'patches', patches, 0);
  if (patchLengths.shape.length !== 2 || patchLengths.data.length !== batch * columns) {
    refuse(
      'densePatches',
      'patch lengths [B, M]',
      `[${patchLengths.shape.join(', ')}]`,
      'Pad them with padPatchLengths.',
    );
  }
  const slotToken = new Int32Array(batch * patches * slots).fill(-1);
  const tokenSlot = new Int32Array(batch * tokens).fill(-1);
  const slotMask = new Uint8Array(batch * patches * slots);

  for (let b = 0; b < batch; b++) {
    let t = 0; // first token of the patch
    for (let m = 0; m < columns; m++) {
      const length = patchLengths.data[b * columns + m] as number;
      if (!(Number.isInteger(length) && length >= 0 && length <= slots)) {
        refuse(
          'densePatches',
          `lengths from 0 to ${slots} (slots)`,
          `${length} at image ${b}, patch ${m}`,
          "Raise 'slots'.",
        );
      }
      if (length > 0 && m > 0 && patchLengths.data[b * columns + m - 1] === 0) {
        refuse(
          'densePatches',
          'zeros after the last patch only',
          `${length} at image ${b}, patch ${m}`,
          'Pad at the end.',
        );
      }
      if (m < patches) {
        const firstSlot = (b * patches + m) * slots;
        const end = Math.min(t + length, tokens);
        slotMask[firstSlot] = 1;
        for (let i = t; i < end; i++) {
          const slot = firstSlot + i - t;
          slotToken[slot] = b * tokens + i;
          tokenSlot[b * tokens + i] = slot;
          slotMask[slot] = 1;
        }
      }
      t += length;
    }
    if (t < tokens && !partial) {
      refuse('densePatches', `patches of ${tokens} tokens`, `${t} in image ${b}`, "Check 'tokens' or set 'partial'.");
    }
    // Patches beyond the given columns are padding.
    for (let m = columns; m < patches; m++) slotMask[(b * patches + m) * slots] = 1;
  }
  return {
    slotToken: { dtype: 'int32', shape: [batch, patches, slots], data: slotToken },
    tokenSlot: { dtype: 'int32', shape: [tokenSlot.length], data: tokenSlot },
    slotMask: { dtype: 'bool', shape: [batch, patches, slots], data: slotMask },
  };
}
