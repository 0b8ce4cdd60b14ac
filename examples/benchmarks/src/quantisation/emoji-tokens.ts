import { join } from 'node:path';
import { decodeImages, encodeAll, imageSize, imagesAt, patchesAt, readEntries } from '@dpar/example-kit/emoji';
import { compareCodePoints } from '@dpar/io';
import { createRandom, type Engine, float32, int32 } from '@dpar/tensor';
import { createTokenizer, fitCodebook, initializePatchVq, type PatchVqConfig, patchVqKind } from '@dpar/tokenizer';
import type { TokenSet } from '@dpar/train';

/** Patches of 4x4 pixels: 16x16 tokens an image. */
const tokenizerConfig: PatchVqConfig = { imageSize, patchSize: 4, codebookSize: 256, hiddenDim: 1 };

/** Number of codes. */
export const vocabSize = tokenizerConfig.codebookSize;

/** Images whose patches the codebook is fitted to. */
const codebookImages = 500;

/** Images that are kept for validation. */
const validationImages = 192;

/** Tokens of emoji, and the number of classes. */
export interface EmojiTokens {
  readonly classes: number;
  readonly train: TokenSet;
  readonly validation: TokenSet;
}

/** Loads Google's emoji without variants of skin tone, in random order, as tokens of a codebook of their patches. */
export async function loadEmojiTokens(engine: Engine): Promise<EmojiTokens> {
  const list = await readEntries('google');
  const entries = list.entries.filter((entry) => entry.has_img_google);
  const classes = [...new Set(entries.map(({ category }) => category))].sort(compareCodePoints);
  const chosen = Array.from(createRandom(1).permutation(entries.length), (i) => entries[i] as (typeof entries)[number]);
  const pixels = await decodeImages(chosen.map(({ image }) => join(list.folder, image)));
  const tokens = await tokenize(engine, pixels);
  const labels = chosen.map(({ category }) => classes.indexOf(category));
  const [, T = 0] = tokens.shape;
  const part = (start: number, end: number): TokenSet => ({
    tokens: int32([end - start, T], tokens.data.slice(start * T, end * T)),
    labels: int32([end - start], labels.slice(start, end)),
  });
  return {
    classes: classes.length,
    train: part(validationImages, chosen.length),
    validation: part(0, validationImages),
  };
}

/** Fits a codebook to the first images, and encodes all: int32 [N, T]. */
async function tokenize(engine: Engine, pixels: Uint8Array) {
  const some = Array.from({ length: codebookImages }, (_, i) => i);
  const patches = await patchesAt(engine, tokenizerConfig, imagesAt(pixels, some));
  const C = patches.shape[1] ?? 0;
  const codebook = await fitCodebook(engine, patches, {
    codes: vocabSize,
    seed: 1,
    iterations: 8,
    samplesPerCode: 128,
    pinned: float32([1, C], new Float32Array(C).fill(1)), // white
  });
  const tokenizer = createTokenizer(engine, {
    kind: patchVqKind,
    config: tokenizerConfig,
    parameters: initializePatchVq(tokenizerConfig, codebook, 1),
  });
  const tokens = await encodeAll(tokenizer, pixels);
  await tokenizer.dispose();
  return tokens;
}
