import type { KindsOf } from '@dpar/check';
import { type PatchingOptions, patchingOptionsKinds, rulesOf } from './boundaries.js';
import { checkArguments } from './check-arguments.js';

/** State of an online patcher. */
export interface PatcherState {
  /** Tokens placed so far, x_0 included. */
  readonly tokens: number;
  /** Patches started so far. */
  readonly patches: number;
  /** Tokens in the current patch. */
  readonly patchLength: number;
}

const patcherStateKinds: KindsOf<PatcherState> = {
  tokens: 'number',
  patches: 'number',
  patchLength: 'number',
  '*': 'any',
};

/** Places tokens one at a time, while an image is generated; see {@link createOnlinePatcher}. */
export interface OnlinePatcher extends PatcherState {
  /**
   * Places the next token. Returns true if it starts a patch, which completes the one before.
   *
   * @param entropy Entropy (nats) of predicting this token. The modes `static` and `token` need none.
   * @throws PatchifyError if the mode needs an entropy and this is not a number. The token is then not placed.
   */
  next(entropy?: number): boolean;
  /** Copy of the state, which later tokens do not change. */
  snapshot(): PatcherState;
  /** Independent patcher with the same state. */
  clone(): OnlinePatcher;
}

/**
 * Creates a patcher for one image during generation. Its decisions are those of `patchLengths`. It starts after x_0, which
 * has no entropy and always starts a patch, so the first call of `next` places x_1. Do not pass it the end-of-image token,
 * which is a patch of its own.
 *
 * @param state State to resume from, of a patcher's `snapshot`.
 */
export function createOnlinePatcher(options: PatchingOptions, state: PatcherState = afterFirstToken): OnlinePatcher {
  checkArguments(
    'createOnlinePatcher',
    { options, state },
    { options: patchingOptionsKinds, 'state?': patcherStateKinds },
  );

  const starts = rulesOf('createOnlinePatcher', options).startRule('createOnlinePatcher', options);
  let { tokens, patches, patchLength } = state;
  const snapshot = (): PatcherState => ({ tokens, patches, patchLength });
  return {
    get tokens() {
      return tokens;
    },
    get patches() {
      return patches;
    },
    get patchLength() {
      return patchLength;
    },
    next(entropy = Number.NaN) {
      const isStart = starts(tokens, patchLength, patches, entropy);
      tokens++;
      if (isStart) patches++;
      patchLength = isStart ? 1 : patchLength + 1;
      return isStart;
    },
    snapshot,
    clone: () => createOnlinePatcher(options, snapshot()),
  };
}

const afterFirstToken: PatcherState = { tokens: 1, patches: 1, patchLength: 1 };
