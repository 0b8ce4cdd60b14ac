import { entropyModelPresets } from '@dpar/entropy';
import { presets } from '@dpar/model';
import { feedForwardWidth } from '@dpar/nn';
import { DparError, type Shape } from '@dpar/tensor';

type Json = Readonly<Record<string, unknown>>;

/** Shapes of parameters by their official names. */
export type Shapes = ReadonlyMap<string, Shape>;

/** A config.json, and what in it rests on no more than the usual value or the preset of that size. */
export interface InferredConfig {
  readonly config: Json;
  readonly assumed: readonly string[];
}

/**
 * The kind of model that parameters are of, by their names.
 * @throws DparError if they are of none that is known.
 */
export function recognise(shapes: Shapes): 'dpar' | 'llamagen' | 'entropy' {
  const has = (name: string): boolean => shapes.has(name);
  if (has('tok_embeddings.weight') && has('layers.0.attention.wqkv.weight') && has('output.weight')) {
    if (has('decoder_start_embedding.weight') || layersOf(shapes, 'local_encoder.layers') > 0) return 'dpar';
    if (has('cls_embedding.embedding_table.weight')) return 'llamagen';
    if (![...shapes.keys()].some((name) => name.startsWith('cls_embedding.'))) return 'entropy';
  }
  const names = [...shapes.keys()];
  throw new DparError(
    "importCheckpoint: expected the parameters of a DPAR, class-conditional LlamaGen or entropy model, or LlamaGen's tokenizer " +
      `(tok_embeddings.weight, layers.0.attention.wqkv.weight, ...), got ${names.slice(0, 4).join(', ')}` +
      `${names.length > 4 ? ` and ${names.length - 4} more` : ''}. Other models are not imported.`,
  );
}

/**
 * The config.json of a model whose parameters are known. Sizes come from shapes. What shapes cannot tell comes from `given`,
 * then `args` (the command line of LlamaGen's training scripts), then the preset of these sizes (heads) or the usual value.
 *
 * @param given Keys of config.json that are known; they come before all others.
 * @throws DparError that lists the keys that nothing tells.
 */
export function inferConfig(shapes: Shapes, given: Json, args: Json): InferredConfig {
  const kind = recognise(shapes);
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
  const blockSize = need('block_size', known('block_size') ?? gridOf(args));
  const predictEoi = kind === 'dpar' && (known('predict_eoi_token') ?? sizes.rows === 16385);
  const config: Record<string, unknown> = {
    kind,
    dim: sizes.dim,
    n_layer: sizes.layers,
    ...(kind === 'dpar' && {
      n_local_encoder_layers: sizes.encoderLayers,
      n_local_decoder_layers: sizes.decoderLayers,
    }),
    n_head:
      known('n_head') === undefined && preset !== undefined
        ? assume('n_head', preset.heads, `preset ${preset.name}`)
        : need('n_head', known('n_head')),
    multiple_of: known('multiple_of') ?? multipleOf(sizes),
    vocab_size: sizes.rows - (predictEoi ? 1 : 0),
    block_size: blockSize,
    num_classes: sizes.classes ?? known('num_classes') ?? 1000,
    rope_base: assume('rope_base', 10000, 'usual'),
    norm_eps: assume('norm_eps', 1e-5, 'usual'),
    cls_token_num: kind === 'entropy' ? 0 : 1,
  };
  if (kind === 'dpar') {
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
  if (missing.length > 0) {
    throw new DparError(
      `importCheckpoint: expected ${missing.join(', ')} of this ${kind} model, which its shapes do not tell, got none. ` +
        `Give them with --config FILE, or as in --set ${missing[0]}=${example(missing[0])}.`,
    );
  }
  return { config: { ...config, ...given, ...(config.patching ? { patching: config.patching } : {}) }, assumed };
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
  readonly classes: number | undefined;
}

function sizesOf(shapes: Shapes, kind: string): Sizes {
  const [rows = 0, dim = 0] = shapes.get('tok_embeddings.weight') ?? [];
  const classes = shapes.get('cls_embedding.embedding_table.weight')?.[0];
  return {
    dim,
    rows,
    layers: layersOf(shapes, 'layers'),
    encoderLayers: layersOf(shapes, 'local_encoder.layers'),
    decoderLayers: layersOf(shapes, 'local_decoder.layers'),
    feedForward: shapes.get('layers.0.feed_forward.w1.weight')?.[0] ?? 0,
    classes: classes === undefined || kind === 'entropy' ? undefined : classes - 1, // the last is the null class
  };
}

/** Number of blocks `prefix.0`, `prefix.1`, ... */
function layersOf(shapes: Shapes, prefix: string): number {
  let count = 0;
  while (shapes.has(`${prefix}.${count}.attention.wqkv.weight`)) count++;
  return count;
}

/** The preset that has these sizes, with its number of heads. */
function presetOf(kind: string, sizes: Sizes): { name: string; heads: number } | undefined {
  if (kind === 'entropy') {
    const found = Object.entries(entropyModelPresets).find(
      ([, { dim, nLayer }]) => dim === sizes.dim && nLayer === sizes.layers,
    );
    return found && { name: found[0], heads: found[1].nHead };
  }
  const found = Object.entries(presets).find(
    ([, { dim, nLayer, nLocalEncoderLayers, nLocalDecoderLayers, ...rest }]) => {
      if (dim !== sizes.dim) return false;
      if (kind === 'llamagen') return rest.llamaGenLayers === sizes.layers;
      const layers = [nLayer, nLocalEncoderLayers, nLocalDecoderLayers];
      return layers.join() === [sizes.layers, sizes.encoderLayers, sizes.decoderLayers].join();
    },
  );
  return found && { name: found[0], heads: found[1].nHead };
}

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
