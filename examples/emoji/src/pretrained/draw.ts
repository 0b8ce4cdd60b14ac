import { loadEmojiModel } from '@dpar/emoji/node';
import type { Stages } from '@dpar/example-kit';
import { imageAt } from '@dpar/example-kit/emoji';
import { patchStatistics } from '@dpar/patchify';
import { montage, type Picture, pictureOf } from '@dpar/report';
import { createSampler } from '@dpar/sampler';
import { type Engine, int32 } from '@dpar/tensor';
import { bytesFromImages, createTokenizer } from '@dpar/tokenizer';
import { generate } from '../stages/generation.js';
import { decoding } from '../weights/settings.js';

/** Images that the shipped model drew. */
export interface Drawing {
  /** Grid of the images with a column for each class. */
  readonly grid: Picture;
  /** The images, row by row. */
  readonly pictures: readonly Picture[];
  readonly classes: readonly string[];
  readonly images: number;
  readonly tokensPerSecond: number;
  /** Tokens per patch. */
  readonly meanPatchLength: number;
}

/**
 * Draws images of all classes in one batch with the weights of `@dpar/emoji`. The boundary head of DPAR predicts the entropies.
 * @param perClass Images of each class. A larger number adds images and leaves the others unchanged.
 */
export async function drawPretrained(
  engine: Engine,
  { perClass, seed }: { readonly perClass: number; readonly seed: number },
  stages: Stages,
): Promise<Drawing> {
  const { tokenizer: vq, dpar, classes } = await loadEmojiModel();
  const [B, T] = [perClass * classes.length, dpar.config.blockSize];
  const labels = Int32Array.from({ length: B }, (_, i) => i % classes.length);
  const { tokens, patchLengths, seconds } = await stages.run('DPAR draws', T, (progress) =>
    generate(createSampler(engine, dpar), { ...decoding, labels, seed }, T, progress),
  );
  const tokenizer = createTokenizer(engine, vq);
  const pixels = bytesFromImages(await tokenizer.decode(int32([B, T], tokens)));
  await tokenizer.dispose();
  const pictures = Array.from(labels, (_, i) => pictureOf(imageAt(pixels, i)));
  return {
    grid: montage(pictures, classes.length),
    pictures,
    classes,
    images: B,
    tokensPerSecond: (B * T) / seconds,
    meanPatchLength: patchStatistics(patchLengths).meanLength,
  };
}
