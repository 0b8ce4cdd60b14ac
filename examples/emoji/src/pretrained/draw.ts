import { loadEmojiModel } from '@dpar/emoji/node';
import { patchStatistics } from '@dpar/patchify';
import { montage, type Picture, pictureOf } from '@dpar/report';
import { DparSampler } from '@dpar/sampler';
import { type Engine, int32 } from '@dpar/tensor';
import { bytesFromImages, createPatchVq } from '@dpar/tokenizer';
import { imageAt } from '../emoji.js';
import type { Stages } from '../progress.js';
import { decoding } from '../shipped/settings.js';
import { generate } from '../stages/generation.js';

/** Images that the shipped model drew. */
export interface Drawing {
  /** A column for each class. */
  readonly grid: Picture;
  readonly classes: readonly string[];
  readonly images: number;
  readonly tokensPerSecond: number;
  /** Tokens per patch. */
  readonly meanPatchLength: number;
}

/**
 * Draws images of all classes, in one batch, with the weights of `@dpar/emoji`.
 * @param perClass Images of each class. More leave those there are as they were.
 */
export async function drawPretrained(
  engine: Engine,
  { perClass, seed }: { readonly perClass: number; readonly seed: number },
  stages: Stages,
): Promise<Drawing> {
  const { tokenizer: vq, entropy, dpar, classes } = await loadEmojiModel();
  const [B, T] = [perClass * classes.length, dpar.config.blockSize];
  const labels = Int32Array.from({ length: B }, (_, i) => i % classes.length);
  const sampler = new DparSampler(engine, dpar, entropy);
  const { tokens, patchLengths, seconds } = await stages.run('DPAR draws', T, (progress) =>
    generate(sampler.steps({ ...decoding, labels, seed }), B, T, progress).finally(() => sampler.dispose()),
  );
  const tokenizer = createPatchVq(engine, vq.config, vq.parameters);
  const pixels = bytesFromImages(await tokenizer.decode(int32([B, T], tokens)));
  await tokenizer.dispose();
  const pictures = Array.from(labels, (_, i) => pictureOf(imageAt(pixels, i)));
  return {
    grid: montage(pictures, classes.length),
    classes,
    images: B,
    tokensPerSecond: (B * T) / seconds,
    meanPatchLength: patchStatistics(patchLengths).meanLength,
  };
}
