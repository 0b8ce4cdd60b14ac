import { entropyKind } from '@dpar/entropy';
import type { ImageModelKind } from '@dpar/nn';
import { dparKind } from './dpar-kind.js';
import { llamaGenKind } from './llamagen.js';

/** All kinds of models of image tokens. A new kind joins this list. */
export const imageModelKinds: readonly ImageModelKind[] = [dparKind, llamaGenKind, entropyKind];

/** Kinds of models that compute entropies: entropy models, and DPAR models with a boundary head. */
export const entropySourceKinds: readonly ImageModelKind[] = imageModelKinds.filter(
  ({ entropySource }) => entropySource !== undefined,
);
