import { imageModelKinds } from '@dpar/model';
import { type Json, kindOfConfig, type ModelKind, type ParameterSpecs } from '@dpar/nn';
import { DparError, type Shape } from '@dpar/tensor';
import { tokenizerKinds } from '@dpar/tokenizer';

/** All kinds of models that a checkpoint may hold: tokenizers, and models of image tokens. */
export const modelKinds: readonly ModelKind[] = [...tokenizerKinds, ...imageModelKinds];

/**
 * Parameters of the model that a config.json describes, in the official order.
 * @throws DparError for an unknown kind or an invalid key.
 */
export function specsOf(config: Json): ParameterSpecs {
  const kind = kindOfConfig('specsOf', modelKinds, config);
  return kind.specs(kind.readConfig(config));
}

/** Shapes of parameters by their official names. */
export type Shapes = ReadonlyMap<string, Shape>;

/** The kind of model that has parameters with these names, or `undefined`. Names may be missing or foreign. */
export function kindOfNames(names: readonly string[]): ModelKind | undefined {
  return modelKinds.find((kind) => kind.recognise(names));
}

/**
 * The kind of model that has these parameters, of which some may be missing or foreign.
 * @param given `kind` of config.json, if it is known; it takes precedence.
 * @throws DparError if the parameters belong to no known kind.
 */
export function recognise(shapes: Shapes, given?: unknown): ModelKind {
  const names = [...shapes.keys()];
  const known = modelKinds.find((kind) => kind.name === given) ?? kindOfNames(names);
  if (known !== undefined) return known;
  const more = names.length > 4 ? ` and ${names.length - 4} more` : '';
  throw new DparError(
    "importCheckpoint: expected the parameters of a DPAR, class-conditional LlamaGen or entropy model, or LlamaGen's tokenizer " +
      `(tok_embeddings.weight, layers.0.attention.wqkv.weight, ...), got ${names.slice(0, 4).join(', ') || 'none'}${more}. ` +
      'Import one of these models. Other models are not supported.',
  );
}
