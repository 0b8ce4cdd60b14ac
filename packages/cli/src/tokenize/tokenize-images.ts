import { type CropOptions, type RgbImage, variantsOf } from '@dpar/images';
import { type CheckOptions, checkImages } from '@dpar/images/node';
import { type OnShardProgress, type PartFolder, runSharded } from '@dpar/shards';
import { int32 } from '@dpar/tensor';
import { type ImageTokenizer, imagesFromBytes } from '@dpar/tokenizer';
import { describeSource, type TokenPlan } from './token-parts.js';

/** Crops that are in memory at a time. */
const cropsAtATime = 32;

/** Tokenizer, plan and folder of the tokens. */
export interface TokenizeWork {
  readonly tokenizer: ImageTokenizer;
  readonly crops: CropOptions;
  readonly plan: TokenPlan;
  readonly parts: PartFolder;
}

/**
 * Tokenizes the images of a share that are not kept yet, part by part. Batches never cross parts, so that interruptions do not
 * change the tokens.
 * @returns Number of images that were tokenized.
 * @throws DparError that names all images that cannot be read, before any is tokenized; the signal's reason when it is aborted.
 */
export function tokenizeImages(
  { tokenizer, crops, plan, parts }: TokenizeWork,
  onProgress: OnShardProgress,
  { onCheck, signal }: CheckOptions & { readonly signal: AbortSignal },
): Promise<number> {
  const { partImages, tokensPerImage: T, variants: V, ours } = plan;
  const { set, labels } = plan.source;
  const shape = V === 1 ? [T] : [V, T];
  const batchImages = Math.max(1, Math.floor(cropsAtATime / V));
  return runSharded({
    store: {
      there: parts.there,
      async add(range, tokens: Int32Array) {
        const { start, count } = range;
        const ofPart = labels.subarray(start, start + count);
        await parts.add(range, { tokens: int32([count, ...shape], tokens), labels: int32([count], ofPart) });
        await describeSource(plan);
      },
    },
    ours,
    partSize: partImages,
    check: (missing) => checkImages(set, missing, { onCheck, signal }),
    async *make({ parts, run, report }) {
      const counts = parts.map(({ count }) => count);
      let count = counts.shift() ?? 0;
      let tokens = new Int32Array(count * V * T);
      let [done, batch]: [number, RgbImage[]] = [0, []];
      for await (const variants of set.readCrops(run.start, run.count, crops)) {
        signal.throwIfAborted();
        batch.push(...variants);
        const taken = done + batch.length / V;
        if (taken < count && batch.length < batchImages * V) continue;
        tokens.set(await tokensOf(tokenizer, batch, crops), done * V * T);
        [done, batch] = [taken, []];
        report(done);
        if (done < count) continue;
        yield tokens;
        count = counts.shift() ?? 0;
        tokens = new Int32Array(count * V * T);
        done = 0;
      }
    },
    async finish() {
      // An earlier run may have been killed right after its last part.
      if (parts.there.includes(1)) await describeSource(plan);
    },
    onProgress,
    signal,
  });
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

/** Settings of the crops. */
export function cropSettings(options: CropOptions) {
  const { crop, flip, size, cropRange } = options;
  return {
    size,
    crop,
    crop_range: crop === 'ten' ? cropRange : null,
    flip,
    variants: variantsOf(options),
  };
}
