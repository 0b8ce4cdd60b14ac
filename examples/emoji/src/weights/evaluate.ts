import type { EmojiModel } from '@dpar/emoji';
import type { ImageSet } from '@dpar/example-kit/emoji';
import type { ImageModel } from '@dpar/nn';
import type { Engine, HostTensorOf } from '@dpar/tensor';
import { createTokenizer } from '@dpar/tokenizer';
import { createBoundaryValidator, createValidator, entropiesOfSet, type TokenSet } from '@dpar/train';
import { type TokenizedImages, tokenize, withPatches } from '../stages/tokens.js';

/** Quality of a boundary head on some images. */
export interface HeadQuality {
  /** Pearson's correlation of its entropies with those of the entropy model. */
  readonly correlation: number;
  /** Share of the tokens that start a patch by both or by neither, at equal mean patch lengths. */
  readonly agreement: number;
  /** DPAR's loss with its patches, nats per token. */
  readonly loss: number;
  /** Threshold in nats at which patches are as long, on average, as those of the entropy model. */
  readonly threshold: number;
  /** Tokens per patch. */
  readonly meanPatchLength: number;
}

/** Quality of the models on some images. */
export interface ModelQuality {
  /** Of the tokenizer's reconstructions, dB. */
  readonly psnr: number;
  /** Nats per token. */
  readonly entropyLoss: number;
  /** Nats per token. */
  readonly dparLoss: number;
  /** Nats per token. */
  readonly llamagenLoss: number;
  /** DPAR with the patches of its boundary head in place of those of the entropy model. */
  readonly head: HeadQuality;
  /** Tokens per patch. */
  readonly meanPatchLength: number;
}

/** Images of a batch. */
const batchSize = 16;

/** Measures all models: images to tokens, their entropies, their patches, DPAR's loss, and LlamaGen's loss. */
export async function evaluateModel(engine: Engine, model: EmojiModel, images: ImageSet): Promise<ModelQuality> {
  const { tokenizer: vq, entropy, dpar, llamagen } = model;
  const tokenizer = createTokenizer(engine, vq);
  const tokenized = await tokenize(tokenizer, images);
  await tokenizer.dispose();

  const set = tokenized.tokens;
  const entropyLoss = await lossOf(engine, entropy, set);
  const entropies = await entropiesOfSet(engine, entropy, set, { batchSize });
  const { tokens, patches } = withPatches(tokenized, entropies, dpar.config);
  const dparLoss = await lossOf(engine, dpar, tokens);
  const llamagenLoss = await lossOf(engine, llamagen, set);
  const head = await evaluateHead(engine, dpar, tokenized, entropies);
  return { psnr: tokenized.psnr, entropyLoss, dparLoss, llamagenLoss, head, meanPatchLength: patches.meanLength };
}

/** @param entropies Those of the entropy model. */
async function evaluateHead(
  engine: Engine,
  dpar: EmojiModel['dpar'],
  tokenized: TokenizedImages,
  entropies: HostTensorOf<'float32'>,
): Promise<HeadQuality> {
  const validator = createBoundaryValidator(engine, dpar);
  const { loss: _, ...figures } = await validator.measure(dpar.parameters, { ...tokenized.tokens, entropies });
  await validator.dispose();
  const config = { ...dpar.config, patching: { ...dpar.config.patching, threshold: figures.threshold } };
  const predicted = await entropiesOfSet(engine, dpar, tokenized.tokens, { batchSize });
  const { tokens, patches } = withPatches(tokenized, predicted, config);
  const loss = await lossOf(engine, { ...dpar, config }, tokens);
  return { ...figures, loss, meanPatchLength: patches.meanLength };
}

async function lossOf(engine: Engine, model: ImageModel, set: TokenSet) {
  const validator = createValidator(engine, model);
  try {
    return await validator.loss(model.parameters, set, batchSize);
  } finally {
    await validator.dispose();
  }
}
