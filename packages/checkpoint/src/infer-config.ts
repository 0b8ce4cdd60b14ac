import { isBoundaryParameter } from '@dpar/model';
import { type Field, type ImageModelKind, type Json, type ModelKind, snakeCase } from '@dpar/nn';
import { vqKind } from '@dpar/tokenizer';
import { type Hints, sizesOfRotaryTable, tokensOfArguments, tokensOfName } from './file-hints.js';
import { type ImageSizes, imageSizes, multipleOf } from './infer-sizes.js';
import { inferVqConfig } from './infer-vq-config.js';
import { checkKeys, type InferredConfig } from './inferred-config.js';
import { recognise, type Shapes } from './kinds.js';

/**
 * Infers config.json from the parameters of a model, of which some may be missing or misshapen. Sizes come from shapes.
 * Each other key has the first of these values:
 * 1. the one in `given`;
 * 2. the one in the file: arguments of LlamaGen's training script, rotary table, name of the file;
 * 3. the one of the preset with these sizes (heads), or the usual one.
 *
 * @param given Known keys of config.json.
 * @throws DparError if the parameters belong to no known kind, or to one whose shapes are not examined and `given` lacks a key.
 */
export function inferConfig(shapes: Shapes, given: Json, hints: Hints = {}): InferredConfig {
  const kind = recognise(shapes, given.kind);
  if (kind === (vqKind as ModelKind)) return inferVqConfig(shapes, given);
  if (isImageModelKind(kind)) return inferImageConfig(kind, shapes, given, hints);
  return givenConfig(kind, given);
}

/**
 * The given keys, for a kind whose shapes are not examined.
 * @throws DparError that lists the missing keys, if there are any.
 */
function givenConfig({ name, fields }: ModelKind, given: Json): InferredConfig {
  const required = Object.entries(fields as Readonly<Record<string, Field<unknown>>>).filter(
    ([, { fallback, isOptional }]) => fallback === undefined && !isOptional,
  );
  const missing = required.map(([key]) => snakeCase(key)).filter((key) => !Object.hasOwn(given, key));
  const inferred = { config: { ...given, kind: name }, assumed: [], missing };
  checkKeys(inferred);
  return inferred;
}

const isImageModelKind = (kind: ModelKind): kind is ImageModelKind => 'hasPatches' in kind;

function inferImageConfig(kind: ImageModelKind, shapes: Shapes, given: Json, hints: Hints): InferredConfig {
  const { args = {}, file = '', rotaryTable = [] } = hints;
  const assumed: string[] = [];
  const missing: string[] = [];
  const known = (key: string): unknown => given[key] ?? args[key];
  const assume = (key: string, value: unknown, reason: string): unknown => {
    if (value !== undefined) assumed.push(`${key} ${JSON.stringify(value)} (${reason})`);
    return value;
  };
  const required = (key: string, value: unknown): unknown => {
    if (value === undefined) missing.push(key);
    return value;
  };

  // Sizes from shapes.
  const sizes = imageSizes(shapes, kind);
  const config: Record<string, unknown> = { kind: kind.name, dim: sizes.dim, n_layer: sizes.layers };
  if (kind.hasPatches) {
    config.n_local_encoder_layers = sizes.encoderLayers;
    config.n_local_decoder_layers = sizes.decoderLayers;
  }

  // Tokens and heads: from the file, else from its name and from the preset.
  const classTokens = kind.hasClasses ? 1 : 0;
  const table = kind.hasPatches ? undefined : sizesOfRotaryTable(rotaryTable, sizes.dim, classTokens);
  const named = kind.hasClasses ? tokensOfName(file) : undefined;
  const blockSize = required(
    'block_size',
    known('block_size') ??
      tokensOfArguments(args) ??
      table?.blockSize ??
      assume('block_size', named, "the file's name"),
  );
  const preset = presetOf(kind, sizes);
  config.n_head = required(
    'n_head',
    known('n_head') ?? table?.heads ?? assume('n_head', preset?.heads, `preset ${preset?.name}`),
  );
  config.multiple_of = known('multiple_of') ?? multipleOf(sizes);

  // Tables of tokens and classes. DPAR's token table may have one more row, for the token that ends an image.
  const predictEoi = kind.hasPatches && (known('predict_eoi_token') ?? sizes.rows === 16385);
  config.vocab_size = sizes.rows - (predictEoi ? 1 : 0);
  config.block_size = blockSize;
  const { classes, hasNullClass } = classesOf(sizes.classRows, known);
  config.num_classes = classes;
  if (!hasNullClass) config.class_dropout_prob = 0;
  if (sizes.classRows !== undefined && known('num_classes') !== undefined && known('num_classes') !== classes) {
    assumed.push(
      `num_classes ${classes} (its class table has ${sizes.classRows} rows, ` +
        `though it says ${JSON.stringify(known('num_classes'))} classes)`,
    );
  }

  // Usual values.
  config.rope_base = known('rope_base') ?? assume('rope_base', 10000, 'usual');
  config.norm_eps = known('norm_eps') ?? assume('norm_eps', 1e-5, 'usual');
  config.cls_token_num = classTokens;
  if (!kind.hasPatches) return { config: { ...config, ...given }, assumed, missing };

  // Keys of DPAR. An `embedding_type` of null means 1D RoPE.
  const { embedding_type: embeddingType } = Object.hasOwn(given, 'embedding_type') ? given : args;
  config.embedding_type = required('embedding_type', embeddingType);
  config.encoder_block_causal = known('encoder_block_causal') ?? assume('encoder_block_causal', false, 'usual');
  config.predict_eoi_token = predictEoi;
  const patching = patchingOf(blockSize, object(args.patching), object(given.patching));
  missing.push(...patching.missing);
  // Which tokens a boundary head reads does not follow from its shapes.
  const hasHead = [...shapes.keys()].some(isBoundaryParameter);
  if (hasHead && !Object.hasOwn(given, 'boundary_head')) missing.push('boundary_head');
  return { config: { ...config, ...given, patching: patching.config }, assumed, missing };
}

/** Name and heads of the preset with these sizes. */
function presetOf(kind: ImageModelKind, sizes: ImageSizes): { name: string; heads: unknown } | undefined {
  for (const [name, keysOf] of Object.entries(kind.presets)) {
    const { dim, n_layer, n_local_encoder_layers = 0, n_local_decoder_layers = 0, n_head: heads } = keysOf({});
    const layers = [n_layer, n_local_encoder_layers, n_local_decoder_layers];
    const found = [sizes.layers, sizes.encoderLayers, sizes.decoderLayers];
    if (dim === sizes.dim && layers.join() === found.join()) return { name, heads };
  }
  return undefined;
}

/**
 * Number of classes, from the rows of the class table. The last row is the null class, unless `num_classes` equals the
 * number of rows or `class_dropout_prob` is 0. LlamaGen's training script then makes no null class.
 */
function classesOf(
  rows: number | undefined,
  known: (key: string) => unknown,
): { readonly classes: unknown; readonly hasNullClass: boolean } {
  if (rows === undefined) return { classes: known('num_classes') ?? 1000, hasNullClass: true };
  const hasNullClass = known('num_classes') !== rows && known('class_dropout_prob') !== 0;
  return { classes: hasNullClass ? rows - 1 : rows, hasNullClass };
}

/** Keys of `patching` that each mode requires. */
const requiredByMode: Readonly<Record<string, readonly string[]>> = {
  entropy_row_boundary: ['threshold', 'max_patch_length'],
  static: ['max_patch_length'],
};

/** `patching` of config.json, and its missing keys. */
function patchingOf(
  blockSize: unknown,
  fromFile: Json,
  given: Json,
): { readonly config: Json; readonly missing: readonly string[] } {
  const usual: Record<string, unknown> = { mode: 'entropy_row_boundary' };
  if (typeof blockSize === 'number') usual.row_length = Math.sqrt(blockSize);
  const keys: Json = { ...usual, ...fromFile, ...given };
  const mode = String(keys.mode);
  const required = Object.hasOwn(requiredByMode, mode) ? (requiredByMode[mode] ?? []) : [];
  return {
    config: { threshold: null, max_patch_length: null, ...keys },
    missing: required.filter((key) => !Object.hasOwn(keys, key)).map((key) => `patching.${key}`),
  };
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
