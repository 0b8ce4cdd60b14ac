import type { KindsOf } from '@dpar/check';
import { type PatchingOptions, patchingOptionsKinds, rulesOf } from './boundaries.js';
import { checkArguments } from './check-arguments.js';

/** Where an online patcher stands. */
export interface PatcherState {
  /** Tokens placed so far, x_0 included. */
  readonly tokens: number;
  /** Patches started so far. */
  readonly patches: number;
  /** Tokens in the patch that the last token is in. */
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
   * Places the next token, and says whether it starts a patch (the one before it is then complete).
   *
   * @param entropy Entropy (nats) of predicting this token; the modes `static` and `token` need none.
   * @throws PatchifyError if the mode needs an entropy and this is not a number; the token is then not placed.
   */
  next(entropy?: number): boolean;
  /** The state as a plain object that later tokens leave as it is. */
  snapshot(): PatcherState;
  /** A patcher that goes on from here independently of this one. */
  clone(): OnlinePatcher;
}

/**
 * A patcher for one image that is being generated. It starts after x_0, for which there is no entropy and which always
 * starts a patch: the first call of `next` is about x_1. Its decisions are those of `patchLengths`. An end-of-image
 * token, which always is a patch alone, is not given to it.
 *
 * @param state Where to start instead, from a patcher's `snapshot`.
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
