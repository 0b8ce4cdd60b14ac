import { DparError, type Shape } from '@dpar/tensor';

/** Shapes of parameters by their official names. */
export type Shapes = ReadonlyMap<string, Shape>;

/** Kinds of model whose weights are imported, as `kind` in config.json names them. */
export const importedKinds = ['dpar', 'llamagen', 'entropy', 'vq'] as const;
export type ImportedKind = (typeof importedKinds)[number];

/** Names that only LlamaGen's tokenizer has. */
const tokenizerName =
  /^((encoder|decoder)\.(conv_in|conv_out|conv_blocks|mid|norm_out)\.|quantize\.|(post_)?quant_conv\.)/;

/** Names of LlamaGen's blocks, which all other kinds have; the first is theirs alone among well-known models. */
const blockName = /^layers\.\d+\.attention\.wqkv\.weight$/;
const patchName = /^(local_encoder|local_decoder|decoder_start_embedding)\./;
const classTable = 'cls_embedding.embedding_table.weight';

/**
 * The kind of model that parameters are of, by their names, also where some are missing or do not belong there.
 *
 * @param given `kind` of config.json, if it is known; it comes first.
 * @throws DparError if they are of none that is known.
 */
export function recognise(shapes: Shapes, given?: unknown): ImportedKind {
  const names = [...shapes.keys()];
  const known = importedKinds.find((kind) => kind === given) ?? kindOf(names);
  if (known !== undefined) return known;
  throw new DparError(
    "importCheckpoint: expected the parameters of a DPAR, class-conditional LlamaGen or entropy model, or LlamaGen's tokenizer " +
      `(tok_embeddings.weight, layers.0.attention.wqkv.weight, ...), got ${names.slice(0, 4).join(', ')}` +
      `${names.length > 4 ? ` and ${names.length - 4} more` : ''}. Other models are not imported.`,
  );
}

/** The kind of model that has parameters of these names; undefined if it is none that is known. */
export function kindOf(names: readonly string[]): ImportedKind | undefined {
  if (names.filter((name) => tokenizerName.test(name)).length > names.length / 2) return 'vq';
  if (!names.some((name) => blockName.test(name) || name.startsWith('local_encoder.layers.'))) return undefined;
  if (names.some((name) => patchName.test(name))) return 'dpar';
  if (names.includes(classTable)) return 'llamagen';
  return names.some((name) => name.startsWith('cls_embedding.')) ? undefined : 'entropy';
}

/** A config.json, and what in it rests on no more than the usual value or the preset of that size. */
export interface InferredConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly assumed: readonly string[];
  /** Keys that nothing tells, which the configuration does not have. */
  readonly missing: readonly string[];
}
