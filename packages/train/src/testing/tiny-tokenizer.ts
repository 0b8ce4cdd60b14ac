import { join } from 'node:path';
import { randomImages, writePngs } from '@dpar/fixtures';
import { architectureOf, initializeParameters, kindOfConfig } from '@dpar/nn';
import { type TokenizerModel, tokenizerKinds } from '@dpar/tokenizer';
import { memoryPictures, type PictureSource } from '../batches/pictures.js';
import { readTrainConfig, type TokenizerTrainConfig, tokenizerConfig } from '../run/train-config.js';

/** Settings of tokenizers of pictures of 8 pixels that train in moments. */
export const tinyTokenizers = {
  vq: {
    kind: 'vq',
    ch: 4,
    ch_mult: [1, 1],
    num_res_blocks: 1,
    z_channels: 4,
    codebook_size: 8,
    codebook_embed_dim: 4,
    norm_groups: 2,
    patch_size: 2,
    image_size: 8,
  },
  'patch-vq': { kind: 'patch-vq', image_size: 8, patch_size: 4, codebook_size: 8, hidden_dim: 8 },
} as const;

/** A tiny tokenizer with drawn parameters. */
export function tinyTokenizer(kind: keyof typeof tinyTokenizers, changes: object = {}, seed = 1): TokenizerModel {
  const settings = { ...tinyTokenizers[kind], ...changes };
  const architecture = architectureOf(kindOfConfig('tinyTokenizer', tokenizerKinds, settings), settings);
  return { ...architecture, parameters: initializeParameters(architecture.kind.specs(architecture.config), seed) };
}

/** Bytes [N, 8, 8, 3] of pictures: a square of one colour on another. */
export function tinyPixels(count: number): Uint8Array {
  const pixels = new Uint8Array(count * 192);
  for (let i = 0; i < pixels.length; i++) {
    const [image, pixel, channel] = [Math.floor(i / 192), Math.floor(i / 3) % 64, i % 3];
    const inside = pixel % 8 >= image % 5 && pixel >> 3 >= image % 3;
    pixels[i] = ((image + 1) * (inside ? 37 : 101) * (channel + 1)) % 256;
  }
  return pixels;
}

/** Such pictures as a source. */
export function tinyPictures(count: number, batchSize: number, seed?: number): PictureSource {
  return memoryPictures(tinyPixels(count), { size: 8, batchSize, seed });
}

/** Writes pictures of random pixels into `folder/images`. @returns The folder of images. */
export async function writeTinyPictures(folder: string, count: number): Promise<string> {
  const images = join(folder, 'images');
  await writePngs(images, randomImages(count, 1, 9, 8), (i) => `${i}.png`);
  return images;
}

/** A configuration of a run in `folder/run`, with a discriminator after 3 steps and a moving average. */
export async function tinyTokenizerRun(folder: string, changes: object = {}): Promise<TokenizerTrainConfig> {
  return tokenizerConfig(
    'tinyTokenizerRun',
    readTrainConfig({
      model: tinyTokenizers.vq,
      data: { images: await writeTinyPictures(folder, 12), validation_share: 0.3, crop: 'random', flip: true },
      loss: { entropy: 0.05 },
      discriminator: { start: 3, width: 8, layers: 1 },
      revive_after: 2,
      optimizer: { learning_rate: 0.01, average_decay: 0.9, schedule: 'cosine' },
      steps: 6,
      batch_size: 3,
      validate_every: 3,
      checkpoints: { every: 2, keep: 2 },
      output: join(folder, 'run'),
      ...changes,
    }),
  );
}
