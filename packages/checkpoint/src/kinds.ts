import { imageModelKinds } from '@dpar/model';
import { type Json, kindOfConfig, type ModelKind, type ParameterSpecs } from '@dpar/nn';
import { tokenizerKinds } from '@dpar/tokenizer';

/** All kinds of models that a checkpoint may hold: tokenizers, and models of image tokens. */
export const modelKinds: readonly ModelKind[] = [...tokenizerKinds, ...imageModelKinds];

/**
 * Parameters of the model that a config.json describes, in the official order.
 * @throws DparError for an unknown kind, or a key that is wrong.
 */
export function specsOf(config: Json): ParameterSpecs {
  const kind = kindOfConfig('specsOf', modelKinds, config);
  return kind.specs(kind.readConfig(config));
}
