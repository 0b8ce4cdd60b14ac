import {
  argumentKinds,
  described,
  type Fields,
  type GptConfig,
  nested,
  numberAbove,
  oneOf,
  orNull,
  readConfig,
  type StackConfig,
  stackFields,
  trueOrFalse,
  wholeNumber,
  writeConfig,
} from '@dpar/nn';
import { type PatchingMode, patchingModes } from '@dpar/patchify';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/**
 * Positions of the global transformer: Dynamic RoPE with redundancy (`dynamic_4d`, the paper's) or without
 * (`dynamic_3d`), 2D RoPE at a patch's first token (`2d`, Table S3), or patch m at position m (`null`).
 */
export type EmbeddingType = 'dynamic_4d' | 'dynamic_3d' | '2d' | null;

/** Patches of a model. */
export interface PatchingConfig {
  /** By entropy with a patch start at each row (the paper's), groups of a fixed length, or every token alone. */
  readonly mode: PatchingMode;
  /** Entropy in nats above which a token starts a patch. */
  readonly threshold: number | null;
  /** Longest patch P in tokens, and the patch length of the static mode (which may be fractional: a mean length). */
  readonly maxPatchLength: number | null;
  /** Tokens in a row of the grid. */
  readonly rowLength: number;
}

/** A DPAR model, as its config.json describes it. */
export interface DparConfig extends StackConfig, Omit<GptConfig, 'nLayer'> {
  /** Blocks of the global transformer, G. */
  readonly nLayer: number;
  /** Blocks of the local encoder, E. */
  readonly nLocalEncoderLayers: number;
  /** Blocks of the local decoder, D. */
  readonly nLocalDecoderLayers: number;
  readonly embeddingType: EmbeddingType;
  /** Encoder tokens see only their own patch. */
  readonly encoderBlockCausal: boolean;
  /** The model also predicts an end-of-image token (index `vocabSize`) after the last token. */
  readonly predictEoiToken: boolean;
  readonly patching: PatchingConfig;
}

/** A LlamaGen model (class-conditional). */
export type LlamaGenConfig = GptConfig;

const patchingFields: Fields<PatchingConfig> = {
  mode: described(
    'Rule that merges tokens into patches',
    oneOf(Object.keys(patchingModes) as PatchingMode[], 'entropy_row_boundary'),
  ),
  threshold: described(
    'Entropy in nats above which a token starts a patch',
    orNull(numberAbove(Number.NEGATIVE_INFINITY), null),
  ),
  maxPatchLength: described('Longest patch P; in static mode the (mean) patch length', orNull(numberAbove(0), null)),
  rowLength: described('Tokens in a row', wholeNumber(1)),
};

const embeddingTypes = ['dynamic_4d', 'dynamic_3d', '2d', null] as const;

/** Keys of a DPAR model's config.json. */
export const dparFields: Fields<DparConfig> = {
  ...stackFields,
  clsTokenNum: wholeNumber(1, 1),
  nLocalEncoderLayers: described('Blocks of the local encoder', wholeNumber(1)),
  nLocalDecoderLayers: described('Blocks of the local decoder', wholeNumber(1)),
  embeddingType: described('Positional embedding of patches', oneOf<EmbeddingType>(embeddingTypes, null)),
  encoderBlockCausal: described('Encoder tokens see only their own patch', trueOrFalse(false)),
  predictEoiToken: described('The model also predicts an end-of-image token', trueOrFalse(false)),
  patching: described('Patches', nested(patchingFields)),
};

/** Keys of a LlamaGen model's config.json. */
export const llamaGenFields: Fields<LlamaGenConfig> = { ...stackFields, clsTokenNum: wholeNumber(1, 1) };

/** Kinds of {@link DparConfig}, for checks of arguments. */
export const dparConfigKinds = argumentKinds(dparFields);

/** Kinds of {@link LlamaGenConfig}, for checks of arguments. */
export const llamaGenConfigKinds = { ...argumentKinds(llamaGenFields), '*': 'any' };

/**
 * Reads a DPAR model's config.json (official snake_case keys).
 * @throws DparError naming the key that is wrong, or settings that do not go together.
 */
export function readDparConfig(json: unknown): DparConfig {
  checkArguments('readDparConfig', { json }, { 'json?': 'any' });

  const config = readConfig('readDparConfig', json, dparFields);
  checkGrid('readDparConfig', config);
  const { mode, maxPatchLength, rowLength } = config.patching;
  if (mode === 'static' && maxPatchLength === null) {
    throw new DparError(
      "readDparConfig: expected 'max_patch_length' for static patches, got null. Set it to their length.",
    );
  }
  if (config.blockSize % rowLength !== 0) {
    throw new DparError(
      `readDparConfig: expected 'row_length' to divide 'block_size' ${config.blockSize}, got ${rowLength}.`,
    );
  }
  return config;
}

/**
 * Reads a LlamaGen model's config.json.
 * @throws DparError naming the key that is wrong.
 */
export function readLlamaGenConfig(json: unknown): LlamaGenConfig {
  checkArguments('readLlamaGenConfig', { json }, { 'json?': 'any' });

  const config = readConfig('readLlamaGenConfig', json, llamaGenFields);
  checkGrid('readLlamaGenConfig', config);
  return config;
}

/** The config.json of a DPAR model. */
export function writeDparConfig(config: DparConfig): Record<string, unknown> {
  checkArguments('writeDparConfig', { config }, { config: dparConfigKinds });

  return { kind: 'dpar', ...writeConfig(config) };
}

/** The config.json of a LlamaGen model. */
export function writeLlamaGenConfig(config: LlamaGenConfig): Record<string, unknown> {
  checkArguments('writeLlamaGenConfig', { config }, { config: llamaGenConfigKinds });

  return { kind: 'llamagen', ...writeConfig(config) };
}

function checkGrid(where: string, { blockSize, clsTokenNum }: GptConfig | DparConfig): void {
  if (clsTokenNum !== 1) {
    throw new DparError(`${where}: expected 'cls_token_num' 1 (class-conditional models), got ${clsTokenNum}.`);
  }
  if (!Number.isInteger(Math.sqrt(blockSize))) {
    throw new DparError(`${where}: expected 'block_size' to be a square number (rows x columns), got ${blockSize}.`);
  }
}
