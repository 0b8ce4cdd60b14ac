import type { EmojiModel } from '@dpar/emoji';
import { patchingOptions } from '@dpar/model';
import { patchLengths, patchStatistics } from '@dpar/patchify';
import { type Engine, type HostTensor, int32, type Tensors } from '@dpar/tensor';
import { bytesFromImages, createPatchVq, peakSignalToNoiseRatio } from '@dpar/tokenizer';
import {
  createValidator,
  entropiesOfSet,
  type TokenSet,
  type TrainableModel,
  trainableDpar,
  trainableEntropyModel,
  trainableLlamaGen,
} from '@dpar/train';
import type { ImageSet } from '../emoji.js';
import { encodeAll } from '../stages/tokenizer.js';

/** How good the models are together, on some images. */
export interface ModelQuality {
  /** Of the images that the tokenizer makes of its own tokens, dB. */
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

/** Images at a time. */
const batchSize = 16;

/** Measures the whole chain: images to tokens, entropies of these, patches of these, DPAR's loss; and LlamaGen's. */
export async function evaluateModel(engine: Engine, model: EmojiModel, images: ImageSet): Promise<ModelQuality> {
  const { tokenizer: vq, entropy, dpar, llamagen } = model;
  const tokenizer = createPatchVq(engine, vq.config, vq.parameters);
  const tokens = await encodeAll(tokenizer, images.pixels);
  const psnr = peakSignalToNoiseRatio(images.pixels, bytesFromImages(await tokenizer.decode(tokens)));
  await tokenizer.dispose();

  const set = { tokens, labels: int32([images.labels.length], images.labels) };
  const entropyLoss = await lossOf(engine, trainableEntropyModel(entropy.config), entropy.parameters, set);
  const entropies = await entropiesOfSet(engine, entropy.config, entropy.parameters, set, { batchSize });
  const [N = 0, predicted = 0] = entropies.shape;
  const lengths = Array.from({ length: N }, (_, i) =>
    patchLengths(entropies.data.subarray(i * predicted, (i + 1) * predicted), patchingOptions(dpar.config)),
  );
  const dparLoss = await lossOf(engine, trainableDpar(dpar.config), dpar.parameters, { ...set, entropies });
  const llamagenLoss = await lossOf(engine, trainableLlamaGen(llamagen.config), llamagen.parameters, set);
  return { psnr, entropyLoss, dparLoss, llamagenLoss, meanPatchLength: patchStatistics(lengths).meanLength };
}

async function lossOf(engine: Engine, model: TrainableModel, parameters: Tensors<HostTensor>, set: TokenSet) {
  const validator = createValidator(engine, model);
  try {
    return await validator.loss(parameters, set, batchSize);
  } finally {
    await validator.dispose();
  }
}
