import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compareCodePoints } from '@dpar/io';
import { createRandom, type Engine, float32, type HostTensorOf, int32, named } from '@dpar/tensor';
import {
  createPatchVq,
  fitCodebook,
  imagesFromBytes,
  initializePatchVq,
  type PatchVqConfig,
  patchesOfImages,
  patchWidthOf,
} from '@dpar/tokenizer';
import type { TokenSet } from '@dpar/train';
import sharp from 'sharp';

/** Patches of 4x4 pixels: 16x16 tokens an image. */
const tokenizerConfig: PatchVqConfig = { imageSize: 64, patchSize: 4, codebookSize: 256, hiddenDim: 1 };

/** Codes of the tokens. */
export const vocabSize = tokenizerConfig.codebookSize;

/** Images whose patches the codebook is made of. */
const codebookImages = 500;

/** Images that are kept for validation. */
const validationImages = 192;

/** Tokens of emoji, and the number of classes. */
export interface EmojiTokens {
  readonly classes: number;
  readonly train: TokenSet;
  readonly validation: TokenSet;
}

/** What is used of an entry of the package's emoji.json. */
interface Entry {
  readonly category: string;
  readonly image: string;
  readonly has_img_google: boolean;
}

/** Google's emoji without variants of skin tone, in random order, as tokens of a codebook of their patches. */
export async function loadEmojiTokens(engine: Engine): Promise<EmojiTokens> {
  const index = createRequire(import.meta.url).resolve('emoji-datasource-google/emoji.json');
  const entries = (JSON.parse(await readFile(index, 'utf8')) as Entry[]).filter((entry) => entry.has_img_google);
  const classes = [...new Set(entries.map(({ category }) => category))].sort(compareCodePoints);
  const order = createRandom(1).permutation(entries.length);
  const chosen = Array.from(order, (i) => entries[i] as Entry);
  const folder = join(dirname(index), 'img', 'google', `${tokenizerConfig.imageSize}`);
  const tokens = await tokenize(engine, await decode(chosen.map(({ image }) => join(folder, image))));
  const labels = chosen.map(({ category }) => classes.indexOf(category));
  const part = (start: number, end: number): TokenSet => {
    const T = tokens.shape[1] ?? 0;
    const count = end - start;
    return {
      tokens: int32([count, T], tokens.data.slice(start * T, end * T)),
      labels: int32([count], labels.slice(start, end)),
    };
  };
  return {
    classes: classes.length,
    train: part(validationImages, chosen.length),
    validation: part(0, validationImages),
  };
}

/** Image files on white: [N, 3, 64, 64] in -1..1. */
async function decode(files: readonly string[]): Promise<HostTensorOf<'float32'>> {
  const images: Buffer[] = [];
  for (const file of files) {
    images.push(await sharp(file).flatten({ background: '#fff' }).toColourspace('srgb').raw().toBuffer());
  }
  return imagesFromBytes(Buffer.concat(images), tokenizerConfig.imageSize);
}

/** The codes of images: int32 [N, T]. */
async function tokenize(engine: Engine, images: HostTensorOf<'float32'>): Promise<HostTensorOf<'int32'>> {
  const { imageSize: S, patchSize, codebookSize } = tokenizerConfig;
  const C = patchWidthOf(tokenizerConfig);
  const cut = engine.compile((ops, inputs) => ({
    patches: patchesOfImages(ops, named(inputs, 'images'), patchSize),
  }));
  const some = float32([codebookImages, 3, S, S], images.data.subarray(0, codebookImages * 3 * S * S));
  const patches = named(await cut.run({ images: some }), 'patches').data as Float32Array;
  await cut.dispose();
  // The first code is white, which most patches are.
  const pinned = float32([1, C], new Float32Array(C).fill(1));
  const codebook = await fitCodebook(engine, float32([patches.length / C, C], patches), {
    codes: codebookSize,
    seed: 1,
    iterations: 8,
    samplesPerCode: 128,
    pinned,
  });
  const tokenizer = createPatchVq(engine, tokenizerConfig, initializePatchVq(tokenizerConfig, codebook, 1));
  try {
    return await tokenizer.encode(images);
  } finally {
    await tokenizer.dispose();
  }
}
