import { entropyKind } from '@dpar/entropy';
import type { ImageModelKind } from '@dpar/nn';
import { dparKind } from './dpar.js';
import { llamaGenKind } from './llamagen.js';

/** All kinds of models of image tokens: the one list that a new kind joins. */
export const imageModelKinds: readonly ImageModelKind[] = [dparKind, llamaGenKind, entropyKind];
