import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';

/** Name of a patching rule, as `patching.mode` of a configuration has it. */
export type PatchingMode = 'entropy_row_boundary' | 'static' | 'token';

/**
 * Patching rule: how T tokens x_0 .. x_(T-1) in raster order are grouped into patches. Entropies are in nats. Keys and modes
 * are those of `patching` in a model's configuration.
 */
export interface PatchingOptions {
  /**
   * Mode.
   * - `entropy_row_boundary` (default): Algorithm 1 of DPAR (https://arxiv.org/abs/2512.21867). x_0 is a patch of its own,
   *   and x_1 starts a patch. x_i, i >= 2, starts a patch if its entropy is above `threshold`, or the current patch has
   *   `maxPatchLength` tokens, or i is a multiple of `rowLength`.
   * - `static`: consecutive groups of `maxPatchLength` tokens from x_0 on; the last one ends with the image. A patch
   *   crosses into the next row unless the length divides `rowLength`. The length may be a fractional mean L >= 1: patch m
   *   then starts at token floor(m L + 1/2) and has floor(L) or ceil(L) tokens.
   * - `token`: every token is a patch.
   */
  readonly mode?: PatchingMode;
  /** Entropy (nats) above which a token starts a patch. Without it (or null), entropies start no patch. */
  readonly threshold?: number | null;
  /** Most tokens in a patch; in `static` mode the (mean) number of tokens. Without it (or null), there is no limit. */
  readonly maxPatchLength?: number | null;
  /** Tokens in a row of the image, for `entropy_row_boundary`. Without it (or null), patches may cross rows. */
  readonly rowLength?: number | null;
  /** Adds a patch for an end-of-image token after the T tokens: the lengths end in one more 1. */
  readonly endOfImage?: boolean;
}

/** Kinds of {@link PatchingOptions}. */
export const patchingOptionsKinds: KindsOf<PatchingOptions> = {
  'mode?': "'entropy_row_boundary' | 'static' | 'token'",
  'threshold?': 'number | null',
  'maxPatchLength?': 'number | null',
  'rowLength?': 'number | null',
  'endOfImage?': 'boolean',
};

/**
 * Returns true if token i >= 1 starts a patch. Its arguments are i, the length of the current patch, the number of
 * patches so far, and the entropy (nats) of predicting the token. The entropy is NaN for modes that need no entropies.
 */
export type StartRule = (i: number, patchLength: number, patches: number, entropy: number) => boolean;

/** A patching rule. */
export interface PatchingModeRules {
  /** True if the rule reads the entropy of each token. */
  readonly needsEntropies: boolean;
  /** Decides all patch boundaries, offline and online. `where` is the function that errors name. */
  startRule(where: string, options: PatchingOptions): StartRule;
  /** Largest patch length possible in an image of T tokens. */
  longestPatch(tokens: number, options: PatchingOptions): number;
}

/** All patching rules: the one place where a new one is added. */
export const patchingModes: Readonly<Record<PatchingMode, PatchingModeRules>> = {
  entropy_row_boundary: {
    needsEntropies: true,
    startRule: entropyRule,
    longestPatch: (tokens, { maxPatchLength, rowLength }) =>
      Math.max(1, Math.min(tokens - 1, maxPatchLength ?? tokens, rowLength ?? tokens)),
  },
  static: {
    needsEntropies: false,
    startRule: staticRule,
    longestPatch: (tokens, { maxPatchLength }) => Math.min(tokens, Math.ceil(maxPatchLength ?? tokens)),
  },
  token: { needsEntropies: false, startRule: () => () => true, longestPatch: () => 1 },
};

/** Algorithm 1. */
function entropyRule(where: string, { threshold, maxPatchLength, rowLength }: PatchingOptions): StartRule {
  const limit = threshold ?? Infinity;
  const longest = maxPatchLength ?? maxInt32;
  const row = rowLength ?? maxInt32;
  if (Number.isNaN(limit)) refuse(where, "'threshold' to be a number of nats", limit, "Check 'threshold'.");
  checkWhole(where, 'maxPatchLength', longest, 1);
  checkWhole(where, 'rowLength', row, 1);
  return (i, patchLength, _patches, entropy) => {
    if (entropy > limit) return true;
    if (!(entropy <= limit)) {
      refuse(
        where,
        'entropies in nats',
        `${entropy} for token ${i}`,
        'Check the entropy model: its logits may overflow.',
      );
    }
    return i === 1 || patchLength >= longest || i % row === 0;
  };
}

const maxInt32 = 2 ** 31 - 1;

function staticRule(where: string, { maxPatchLength }: PatchingOptions): StartRule {
  const length = maxPatchLength ?? Number.NaN;
  if (!(length >= 1 && length < Infinity)) {
    refuse(
      where,
      "'maxPatchLength' to be a number >= 1 in static mode",
      maxPatchLength,
      "Set 'maxPatchLength' to the patch length.",
    );
  }
  return (i, _patchLength, patches) => i === Math.floor(patches * length + 0.5);
}

/** Rule of the mode of some options. */
export function rulesOf(where: string, { mode = 'entropy_row_boundary' }: PatchingOptions): PatchingModeRules {
  if (Object.hasOwn(patchingModes, mode)) return patchingModes[mode];
  return refuse(where, `'mode' to be one of ${Object.keys(patchingModes).join(', ')}`, mode, "Check 'mode'.");
}

/** Largest patch length possible in an image of T tokens: the number of slots P of the dense layout. */
export function longestPatch(tokens: number, options: PatchingOptions): number {
  checkArguments('longestPatch', { tokens, options }, { tokens: 'number', options: patchingOptionsKinds });

  return rulesOf('longestPatch', options).longestPatch(tokens, options);
}
