import { patchVqKind } from './patch-vq/tokenizer.js';
import type { TokenizerKind } from './tokenizer-kind.js';
import { vqKind } from './vq/tokenizer.js';

/** All kinds of tokenizers. A new kind joins this list. */
export const tokenizerKinds: readonly TokenizerKind[] = [vqKind, patchVqKind];
