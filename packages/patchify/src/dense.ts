import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';

/** Size of a dense layout. */
export interface DenseOptions {
  /** Tokens of each image that are laid out, N: the first N, others are left out. */
  readonly tokens: number;
  /** Slots of each patch, P: at least the length of the longest patch. */
  readonly slots: number;
  /** Patches of each image that are laid out: the first ones, tokens of others are left out. Default: all M. */
  readonly patches?: number;
  /** Patches may hold fewer than N tokens: the other tokens get no slot. Default: this is refused. */
  readonly partial?: boolean;
}

const denseOptionsKinds: KindsOf<DenseOptions> = {
  tokens: 'number',
  slots: 'number',
  'patches?': 'number',
  'partial?': 'boolean',
};

/**
 * Where each token sits when patches are laid out densely: B images, N tokens, M patches, P slots. `slotToken` and
 * `tokenSlot` are inverse to each other, so that one is the gather of the states and the other that of the gradient.
 * All three are tensors also to `@dpar/tensor`.
 */
export interface DensePatches {
  /** int32 [B, M, P]: row b N + t of the token in each slot, -1 if the slot is empty. */
  readonly slotToken: { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array };
  /** int32 [B N]: slot (b M + m) P + p of each token, -1 if its patch is left out. */
  readonly tokenSlot: { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array };
  /**
   * bool [B, M, P]: slots that hold a token. A patch without any (padding, or all its tokens left out) has slot 0 marked
   * though it is empty, so that a softmax over slots has something to weigh.
   */
  readonly slotMask: { readonly dtype: 'bool'; readonly shape: readonly number[]; readonly data: Uint8Array };
}

/**
 * Lays patches out densely. The tokens of a patch fill its slots from 0 on.
 *
 * @param patchLengths [B, M] over all tokens, padded with zeros on the right.
 * @throws PatchifyError if a patch has more than P tokens, a patch follows padding, or there are fewer tokens in patches
 * than N (see `partial`).
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
    // Patches beyond the columns given are padding.
    for (let m = columns; m < patches; m++) slotMask[(b * patches + m) * slots] = 1;
  }
  return {
    slotToken: { dtype: 'int32', shape: [batch, patches, slots], data: slotToken },
    tokenSlot: { dtype: 'int32', shape: [tokenSlot.length], data: tokenSlot },
    slotMask: { dtype: 'bool', shape: [batch, patches, slots], data: slotMask },
  };
}
