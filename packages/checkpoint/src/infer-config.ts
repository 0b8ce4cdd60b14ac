import { feedForwardWidth, type ImageModelKind, type Json, type ModelKind } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { vqKind } from '@dpar/tokenizer';
import { inferVqConfig } from './infer-vq-config.js';
import { type InferredConfig, recognise, type Shapes } from './recognise.js';
import { blockCount, commonSize } from './shape-votes.js';

/** What a file tells beside the weights. */
export interface Hints {
  /** What LlamaGen's training script was called with. */
  readonly args?: Json;
  /** Name of the file: LlamaGen's are published as `c2i_B_256.pt`. */
  readonly file?: string | undefined;
  /** Shape of the rotary table that some versions of LlamaGen keep: [class tokens + T, headDim / 2, 2]. */
  readonly rotaryTable?: readonly number[] | undefined;
}

/**
 * The config.json of a model whose parameters are known, also where some are missing or have another shape. Sizes come from
 * shapes. What shapes cannot tell comes from `given`, then the hints: the command line of LlamaGen's training scripts, the
 * rotary table, the file's name; then the preset of these sizes (heads) or the usual value.
 *
 * @param given Keys of config.json that are known; they come before all others.
 * @throws DparError if the parameters are of no kind that is known.
 */
export function inferConfig(shapes: Shapes, given: Json, hints: Hints = {}): InferredConfig {
  const { args = {}, file = '', rotaryTable = [] } = hints;
  const kind = recognise(shapes, given.kind);
  if (kind === (vqKind as ModelKind)) return inferVqConfig(shapes, given);
  if (!isImageModelKind(kind)) return { config: { ...given, kind: kind.name }, assumed: [], missing: [] };
  const assumed: string[] = [];
  const missing: string[] = [];
  const known = (key: string): unknown => given[key] ?? args[key];
  const assume = (key: string, value: unknown, why: string): unknown => {
    if (known(key) !== undefined) return known(key);
    assumed.push(`${key} ${JSON.stringify(value)} (${why})`);
    return value;
  };
  const need = (key: string, value: unknown): unknown => {
    if (value === undefined) missing.push(key);
    return value;
  };

  const sizes = sizesOf(shapes, kind);
  const preset = presetOf(kind, sizes);
  const table = kind.hasPatches ? undefined : tableSizes(rotaryTable, sizes.dim, kind.hasClasses ? 1 : 0);
  const told = known('block_size') ?? gridOf(args) ?? table?.blockSize;
  const [, pixels] = /(?:^|[/\\])c2i_[^_/\\]+_(256|384|512)\b[^/\\]*$/.exec(file) ?? [];
  const blockSize =
    told === undefined && pixels !== undefined && kind.hasClasses
      ? assume('block_size', gridOf({ image_size: Number(pixels) }), "the file's name")
      : need('block_size', told);
  const predictEoi = kind.hasPatches && (known('predict_eoi_token') ?? sizes.rows === 16385);
  const config: Record<string, unknown> = {
    kind: kind.name,
    dim: sizes.dim,
    n_layer: sizes.layers,
    ...(kind.hasPatches && {
      n_local_encoder_layers: sizes.encoderLayers,
      n_local_decoder_layers: sizes.decoderLayers,
    }),
    n_head:
      known('n_head') === undefined && table === undefined && preset !== undefined
        ? assume('n_head', preset.heads, `preset ${preset.name}`)
        : need('n_head', known('n_head') ?? table?.heads),
    multiple_of: known('multiple_of') ?? multipleOf(sizes),
    vocab_size: sizes.rows - (predictEoi ? 1 : 0),
    block_size: blockSize,
    ...classesOf(sizes.classRows, known, (line) => assumed.push(line)),
    rope_base: assume('rope_base', 10000, 'usual'),
    norm_eps: assume('norm_eps', 1e-5, 'usual'),
    cls_token_num: kind.hasClasses ? 1 : 0,
  };
  if (kind.hasPatches) {
    const embeddingType = Object.hasOwn(given, 'embedding_type') ? given.embedding_type : args.embedding_type;
    config.embedding_type = need('embedding_type', embeddingType);
    config.encoder_block_causal = assume('encoder_block_causal', false, 'usual');
    config.predict_eoi_token = predictEoi;
    const rowLength = typeof blockSize === 'number' ? { row_length: Math.sqrt(blockSize) } : {};
    const patching = {
      mode: 'entropy_row_boundary',
      ...rowLength,
      ...object(args.patching),
      ...object(given.patching),
    };
    config.patching = { threshold: null, max_patch_length: null, ...patching };
    const needed = { entropy_row_boundary: ['threshold', 'max_patch_length'], static: ['max_patch_length'] };
    const keys = Object.hasOwn(needed, patching.mode) ? needed[patching.mode as keyof typeof needed] : [];
    for (const key of keys) if (!Object.hasOwn(patching, key)) missing.push(`patching.${key}`);
  }
  return {
    config: { ...config, ...given, ...(config.patching ? { patching: config.patching } : {}) },
    assumed,
    missing,
  };
}

/** A configuration whose model has the same parameters, with any values for the keys that nothing tells. */
export function withPlaceholders({ config, missing }: InferredConfig): Json {
  if (missing.length === 0) return config;
  const any = { n_head: 1, block_size: 256, embedding_type: null };
  const undecided = Object.fromEntries(Object.entries(any).filter(([key]) => missing.includes(key)));
  return {
    ...config,
    ...undecided,
    ...(config.patching !== undefined && { patching: { mode: 'token', row_length: 1 } }),
  };
}

/** @throws DparError that lists the keys that nothing tells, if there are any. */
export function checkKeys({ config, missing }: InferredConfig): void {
  if (missing.length === 0) return;
  throw new DparError(
    `importCheckpoint: expected ${missing.join(', ')} of this ${config.kind} model, which its shapes do not tell, got none. ` +
      `Give them with --config FILE, or as in --set ${missing[0]}=${example(missing[0])}.`,
  );
}

function example(key: string | undefined): string {
  const examples: Readonly<Record<string, string>> = {
    block_size: '256',
    n_head: '12',
    embedding_type: 'dynamic_4d',
    'patching.threshold': '7.8',
  };
  return examples[key ?? ''] ?? '4';
}

interface Sizes {
  readonly dim: number;
  readonly rows: number;
  readonly layers: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly feedForward: number;
  /** Rows of the class table. */
  readonly classRows: number | undefined;
}

function sizesOf(shapes: Shapes, kind: ImageModelKind): Sizes {
  const classRows = shapes.get('cls_embedding.embedding_table.weight')?.[0];
  const dim = commonSize(shapes, [
    [/^(tok_embeddings|output)\.weight$/, 1, 2],
    [/(^|\.)(attention_norm|ffn_norm|norm)\.weight$/, 0, 1],
    [/\.attention\.wqkv\.weight$/, 1, 2],
  ]);
  const feedForward = commonSize(shapes, [
    [/\.feed_forward\.w[13]\.weight$/, 0, 2],
    [/\.feed_forward\.w2\.weight$/, 1, 2],
  ]);
  return {
    dim: dim ?? 0,
    rows: commonSize(shapes, [[/^(tok_embeddings|output)\.weight$/, 0, 2]]) ?? 16384,
    layers: blockCount(shapes, 'layers'),
    encoderLayers: blockCount(shapes, 'local_encoder.layers'),
    decoderLayers: blockCount(shapes, 'local_decoder.layers'),
    feedForward: feedForward ?? 0,
    classRows: kind.hasClasses ? classRows : undefined,
  };
}

/**
 * Number of classes, of the rows of the class table. The last row is the null class, unless the file says that there are as
 * many classes as rows, or that LlamaGen's `class_dropout_prob` was 0, at which it makes none. `assume` takes a line where the
 * file says a number that is neither, as after training with other classes.
 */
function classesOf(rows: number | undefined, known: (key: string) => unknown, assume: (line: string) => void): Json {
  const told = known('num_classes');
  if (rows === undefined) return { num_classes: told ?? 1000 };
  const hasNone = told === rows || known('class_dropout_prob') === 0;
  const classes = hasNone ? rows : rows - 1;
  if (told !== undefined && told !== classes) {
    assume(`num_classes ${classes} (its class table has ${rows} rows, though it says ${JSON.stringify(told)} classes)`);
  }
  return { num_classes: classes, ...(hasNone && { class_dropout_prob: 0 }) };
}

/** Tokens and heads that a rotary table [class tokens + T, headDim / 2, 2] tells; undefined if it is none. */
function tableSizes(shape: readonly number[], dim: number, classTokens: number) {
  const [positions = 0, pairs = 0, parts] = shape;
  const [blockSize, heads] = [positions - classTokens, dim / (2 * pairs)];
  const fits = shape.length === 3 && parts === 2 && Number.isInteger(Math.sqrt(blockSize)) && Number.isInteger(heads);
  return fits && blockSize > 0 ? { blockSize, heads } : undefined;
}

/** The preset that has these sizes, with its number of heads. */
function presetOf(kind: ImageModelKind, sizes: Sizes): { name: string; heads: unknown } | undefined {
  for (const [name, keysOf] of Object.entries(kind.presets)) {
    const { dim, n_layer, n_local_encoder_layers = 0, n_local_decoder_layers = 0, n_head: heads } = keysOf({});
    const layers = [n_layer, n_local_encoder_layers, n_local_decoder_layers];
    const found = [sizes.layers, sizes.encoderLayers, sizes.decoderLayers];
    if (dim === sizes.dim && layers.join() === found.join()) return { name, heads };
  }
  return undefined;
}

const isImageModelKind = (kind: ModelKind): kind is ImageModelKind => 'hasPatches' in kind;

/** A `multiple_of` that gives the width of the feed-forward layers: LlamaGen's 256, or the largest power of two that does. */
function multipleOf({ dim, feedForward }: Sizes): number {
  const powers = Array.from({ length: 9 }, (_, i) => 256 >> i);
  return powers.find((power) => feedForwardWidth(dim, power) === feedForward) ?? Math.max(feedForward, 1);
}

/** Tokens of an image, of LlamaGen's `image_size` and `downsample_size`. */
function gridOf({ image_size: pixels, downsample_size: factor = 16 }: Json): number | undefined {
  if (typeof pixels !== 'number' || typeof factor !== 'number') return undefined;
  return Math.floor(pixels / factor) ** 2;
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
