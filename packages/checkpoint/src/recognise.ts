import type { ModelKind } from '@dpar/nn';
import { DparError, type Shape } from '@dpar/tensor';
import { modelKinds } from './kinds.js';

/** Shapes of parameters by their official names. */
export type Shapes = ReadonlyMap<string, Shape>;

/**
 * The kind of model that parameters are of, by their names, also where some are missing or do not belong there.
 *
 * @param given `kind` of config.json, if it is known; it comes first.
 * @throws DparError if they are of none that is known.
 */
export function recognise(shapes: Shapes, given?: unknown): ModelKind {
  const names = [...shapes.keys()];
  const known = modelKinds.find((kind) => kind.name === given) ?? kindOfNames(names);
  if (known !== undefined) return known;
  throw new DparError(
    "importCheckpoint: expected the parameters of a DPAR, class-conditional LlamaGen or entropy model, or LlamaGen's tokenizer " +
      `(tok_embeddings.weight, layers.0.attention.wqkv.weight, ...), got ${names.slice(0, 4).join(', ')}` +
      `${names.length > 4 ? ` and ${names.length - 4} more` : ''}. Other models are not imported.`,
  );
}

/** The kind of model that has parameters of these names; undefined if none of the known kinds has. */
export function kindOfNames(names: readonly string[]): ModelKind | undefined {
  return modelKinds.find((kind) => kind.recognise(names));
}

/** A config.json, and what in it rests on no more than the usual value or the preset of that size. */
export interface InferredConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly assumed: readonly string[];
  /** Keys that nothing tells, which the configuration does not have. */
  readonly missing: readonly string[];
}
