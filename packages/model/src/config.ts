import {
  argumentKinds,
  checkHeads,
  described,
  type Fields,
  type GptConfig,
  gptFields,
  nested,
  numberAbove,
  oneOf,
  optional,
  orNull,
  readConfig,
  trueOrFalse,
  wholeNumber,
  wholeNumbers,
} from '@dpar/nn';
import { type PatchingMode, patchingModes } from '@dpar/patchify';
import { DparError } from '@dpar/tensor';

/**
 * Positions of the global transformer:
 * - `dynamic_4d`: Dynamic RoPE with redundancy, the paper's
 * - `dynamic_3d`: Dynamic RoPE without redundancy
 * - `2d`: 2D RoPE at a patch's first token (Table S3)
 * - `null`: patch m at position m
 */
export type EmbeddingType = 'dynamic_4d' | 'dynamic_3d' | '2d' | null;

/** Rule that merges tokens into patches. */
export interface PatchingConfig {
  /** Rule: by entropy with a patch start at each row (the paper's), patches of one length, or a patch per token. */
  readonly mode: PatchingMode;
  /** Entropy in nats above which a token starts a patch. */
  readonly threshold: number | null;
  /** Longest patch P in tokens. In static mode the patch length, which may be a fractional mean. */
  readonly maxPatchLength: number | null;
  /** Tokens in a row of the grid. */
  readonly rowLength: number;
}

/** Boundary head: a small network on the states of the local encoder that predicts the entropies of the entropy model. */
export interface BoundaryHeadConfig {
  /** Width of its hidden layers. */
  readonly hiddenWidth: number;
  /** Hidden layers. */
  readonly hiddenLayers: number;
  /**
   * Tokens whose states it reads, as ascending distances in raster order to the token whose entropy it predicts: 1 is the
   * token before it, `rowLength` the one above it.
   */
  readonly neighbours: readonly number[];
  /** Predicted entropy in nats above which a token starts a patch; null: the threshold of `patching`. */
  readonly threshold: number | null;
}

/** Configuration of a DPAR model. `nLayer` is the number G of blocks of the global transformer. */
export interface DparConfig extends GptConfig {
  /** Blocks of the local encoder, E. */
  readonly nLocalEncoderLayers: number;
  /** Blocks of the local decoder, D. */
  readonly nLocalDecoderLayers: number;
  /** Positions of the global transformer. */
  readonly embeddingType: EmbeddingType;
  /** True if encoder tokens see only their own patch. */
  readonly encoderBlockCausal: boolean;
  /** True if the model also predicts an end-of-image token (index `vocabSize`) after the last token. */
  readonly predictEoiToken: boolean;
  /** Rule that merges tokens into patches. */
  readonly patching: PatchingConfig;
  /** Boundary head. Models without one need an entropy model if their patches depend on entropies. */
  readonly boundaryHead?: BoundaryHeadConfig | undefined;
}

/** Configuration of a LlamaGen model (class-conditional). */
export type LlamaGenConfig = GptConfig;

const patchingFields: Fields<PatchingConfig> = {
  mode: described(
    `Patching rule: ${Object.keys(patchingModes).join(', ')}`,
    oneOf(Object.keys(patchingModes) as PatchingMode[], 'entropy_row_boundary'),
  ),
  threshold: described(
    'Entropy in nats above which a token starts a patch',
    orNull(numberAbove(Number.NEGATIVE_INFINITY), null),
  ),
  maxPatchLength: described('Longest patch P; in static mode the (mean) patch length', orNull(numberAbove(0), null)),
  rowLength: described('Tokens per row of an image', wholeNumber(1)),
};

const boundaryHeadFields: Fields<BoundaryHeadConfig> = {
  hiddenWidth: described('Width of the hidden layers; a quarter of the width D is enough', wholeNumber(1)),
  hiddenLayers: described('Hidden layers', wholeNumber(1, 2)),
  neighbours: described(
    'Tokens whose states are read, as ascending distances in raster order: 1 is the token before; default: three in the row and ' +
      'five around the one above',
    wholeNumbers(1),
  ),
  threshold: described(
    'Predicted entropy in nats above which a token starts a patch; null: that of patching',
    orNull(numberAbove(Number.NEGATIVE_INFINITY), null),
  ),
};

const embeddingTypes = ['dynamic_4d', 'dynamic_3d', '2d', null] as const;

/** Keys of a DPAR model's config.json. */
export const dparFields: Fields<DparConfig> = {
  ...gptFields,
  clsTokenNum: wholeNumber(1, 1),
  nLocalEncoderLayers: described('Blocks of the local encoder', wholeNumber(1)),
  nLocalDecoderLayers: described('Blocks of the local decoder', wholeNumber(1)),
  embeddingType: described(
    `Positional embedding of patches: ${embeddingTypes.map(String).join(', ')}`,
    oneOf<EmbeddingType>(embeddingTypes, null),
  ),
  encoderBlockCausal: described('Limit the attention of encoder tokens to their own patch', trueOrFalse(false)),
  predictEoiToken: described('Also predict an end-of-image token', trueOrFalse(false)),
  patching: described('Patching of tokens', nested(patchingFields)),
  boundaryHead: described(
    'Network on the states of the local encoder that predicts entropies in place of an entropy model; default: none',
    optional(nested(boundaryHeadFields)),
  ),
};

/** Keys of a LlamaGen model's config.json. */
export const llamaGenFields: Fields<LlamaGenConfig> = { ...gptFields, clsTokenNum: wholeNumber(1, 1) };

/** Kinds of {@link DparConfig}, for argument checks. */
export const dparConfigKinds = argumentKinds(dparFields);

/** Kinds of {@link LlamaGenConfig}, for argument checks. */
export const llamaGenConfigKinds = { ...argumentKinds(llamaGenFields), '*': 'any' };

/**
 * Reads a DPAR model's config.json (official snake_case keys).
 * @throws DparError naming the wrong key, or settings that contradict one another.
 */
export function readDparConfig(json: unknown): DparConfig {
  const caller = 'dparKind.readConfig';
  const config = readConfig(caller, json, dparFields);
  checkGrid(caller, config);
  // The local layers have the 2D embedding of the grid.
  for (const embedding of ['2d', config.embeddingType ?? '1d'] as const) checkHeads(caller, config, embedding);
  const { mode, maxPatchLength, rowLength } = config.patching;
  if (mode === 'static' && maxPatchLength === null) {
    throw new DparError(`${caller}: expected 'max_patch_length' for static patches, got null. Set it to their length.`);
  }
  if (config.blockSize % rowLength !== 0) {
    throw new DparError(
      `${caller}: expected 'row_length' to divide 'block_size' ${config.blockSize}, got ${rowLength}. Set it to the tokens ` +
        'in a row.',
    );
  }
  checkBoundaryHead(caller, config);
  return config;
}

/** @throws DparError if a boundary head cannot predict where patches start. */
function checkBoundaryHead(
  caller: string,
  { boundaryHead, encoderBlockCausal, patching, blockSize }: DparConfig,
): void {
  if (boundaryHead === undefined) return;
  if (encoderBlockCausal) {
    throw new DparError(
      `${caller}: expected no 'boundary_head' with 'encoder_block_causal', whose states depend on the patches that the head ` +
        'would have to predict. Leave one of the two out.',
    );
  }
  if (!patchingModes[patching.mode].needsEntropies) {
    throw new DparError(
      `${caller}: expected no 'boundary_head' with patching mode '${patching.mode}', whose patches do not depend on ` +
        'entropies. Leave it out.',
    );
  }
  const { neighbours } = boundaryHead;
  const wrong = neighbours.find((distance, i) => distance >= blockSize || distance <= (neighbours[i - 1] ?? 0));
  if (wrong !== undefined || neighbours.length === 0) {
    throw new DparError(
      `${caller}: expected 'boundary_head.neighbours' to be ascending distances from 1 to ${blockSize - 1}, got ` +
        `[${neighbours.join(', ')}]. Correct the list.`,
    );
  }
}

/** @throws DparError if the model is not class-conditional, or its images are not square. */
export function checkGrid(caller: string, { blockSize, clsTokenNum }: GptConfig): void {
  if (clsTokenNum !== 1) {
    throw new DparError(
      `${caller}: expected 'cls_token_num' 1 (class-conditional models), got ${clsTokenNum}. Set it to 1.`,
    );
  }
  if (!Number.isInteger(Math.sqrt(blockSize))) {
    throw new DparError(
      `${caller}: expected 'block_size' to be a square number (rows x columns), got ${blockSize}. Set it to the tokens of an ` +
        'image.',
    );
  }
}
