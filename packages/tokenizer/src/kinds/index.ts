import { patchVqKind } from './patch-vq.js';
import type { TokenizerKind } from './tokenizer-kind.js';
import { vqKind } from './vq.js';

/** All kinds of tokenizers: the one list that a new kind joins. */
export const tokenizerKinds: readonly TokenizerKind[] = [vqKind, patchVqKind];
