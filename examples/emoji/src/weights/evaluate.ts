import type { EmojiModel } from '@dpar/emoji';
import type { ImageSet } from '@dpar/example-kit/emoji';
import type { ImageModel } from '@dpar/nn';
import type { Engine } from '@dpar/tensor';
import { createTokenizer } from '@dpar/tokenizer';
import { createValidator, entropiesOfSet, type TokenSet } from '@dpar/train';
import { tokenize, withPatches } from '../stages/tokens.js';

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
  return { psnr: tokenized.psnr, entropyLoss, dparLoss, llamagenLoss, meanPatchLength: patches.meanLength };
}

async function lossOf(engine: Engine, model: ImageModel, set: TokenSet) {
  const validator = createValidator(engine, model);
  try {
    return await validator.loss(model.parameters, set, batchSize);
  } finally {
    await validator.dispose();
  }
}
