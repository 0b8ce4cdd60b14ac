import type { RgbImage } from '@dpar/eval';
import { type CheckOptions, checkImages } from '@dpar/eval/node';
import { missingParts } from '@dpar/io/node';
import { type ImageTokenizer, imagesFromBytes } from '@dpar/tokenizer';
import { type CropOptions, cropVariants, variantsOf } from './crops.js';
import type { LabelledImages } from './labelled-images.js';
import { describeSource, type TokenPlan, type TokenWriter } from './token-writer.js';

/** Crops that are in memory at a time. */
const cropsAtATime = 32;

/** What is tokenized, how and where to. */
export interface TokenizeWork {
  readonly images: LabelledImages;
  readonly tokenizer: ImageTokenizer;
  readonly crops: CropOptions;
  readonly plan: TokenPlan;
  readonly writer: TokenWriter;
}

/**
 * Tokenizes the images of a share that are not kept yet, part by part. Batches never cross parts, so that the tokens are the
 * same however often it was interrupted.
 * @param onProgress Told how many images of the share are done.
 * @returns Images that were tokenized.
 * @throws DparError that names all images that cannot be read, before any is tokenized; the signal's reason when it is aborted.
 */
export async function tokenizeImages(
  { images, tokenizer, crops, plan, writer }: TokenizeWork,
  onProgress: (done: number, total: number) => void,
  { onCheck, signal }: CheckOptions & { readonly signal: AbortSignal },
): Promise<number> {
  const { partImages, tokensPerImage: T, variants: V, ours } = plan;
  const before = writer.there.subarray(ours.start, ours.start + ours.count).reduce((sum, value) => sum + value, 0);
  const batchImages = Math.max(1, Math.floor(cropsAtATime / V));
  let done = 0;
  const missing = [...missingParts(writer.there, ours, partImages)];
  await checkImages(images.set, missing, { onCheck, signal });
  onProgress(before, ours.count);
  for (const run of missing) {
    let first = run.start;
    let count = Math.min(partImages, run.start + run.count - first);
    let tokens = new Int32Array(count * V * T);
    let filled = 0;
    let batch: RgbImage[] = [];
    for await (const image of images.set.read(run.start, run.count)) {
      signal.throwIfAborted();
      batch.push(...cropVariants(image, crops));
      const taken = filled / (V * T) + batch.length / V;
      if (taken < count && batch.length < batchImages * V) continue;
      tokens.set(await tokensOf(tokenizer, batch, crops), filled);
      filled += batch.length * T;
      done += batch.length / V;
      batch = [];
      onProgress(before + done, ours.count);
      if (taken < count) continue;
      await writer.add({ start: first, count }, tokens, images.labels.subarray(first, first + count));
      await describeSource(plan);
      first += count;
      count = Math.min(partImages, run.start + run.count - first);
      tokens = new Int32Array(count * V * T);
      filled = 0;
    }
  }
  signal.throwIfAborted();
  // An earlier run may have been killed right after its last part.
  if (done === 0 && writer.there.includes(1)) await describeSource(plan);
  return done;
}

async function tokensOf(
  tokenizer: ImageTokenizer,
  crops: readonly RgbImage[],
  { size }: CropOptions,
): Promise<Int32Array> {
  const pixels = new Uint8Array(crops.length * 3 * size * size);
  for (const [i, { data }] of crops.entries()) pixels.set(data, i * data.length);
  return (await tokenizer.encode(imagesFromBytes(pixels, size))).data;
}

/** How images are cropped with some options, for settings. */
export function cropSettings({ crop, flip, size, cropRange }: CropOptions) {
  return {
    size,
    crop,
    crop_range: crop === 'ten' ? cropRange : null,
    flip,
    variants: variantsOf({ crop, flip, size, cropRange }),
  };
}
