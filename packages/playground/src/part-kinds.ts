import { entropyKind } from '@dpar/entropy';
import { dparKind, llamaGenKind } from '@dpar/model';
import type { ModelKind } from '@dpar/nn';
import { tokenizerKinds } from '@dpar/tokenizer';

/** Names of the models of a page, and of their folders in a model folder. */
export type PartName = 'tokenizer' | 'dpar' | 'entropy' | 'llamagen';

/** Kinds that each of the models may have. */
export const partKinds: Readonly<Record<PartName, readonly ModelKind[]>> = {
  tokenizer: tokenizerKinds,
  dpar: [dparKind],
  entropy: [entropyKind],
  llamagen: [llamaGenKind],
};
