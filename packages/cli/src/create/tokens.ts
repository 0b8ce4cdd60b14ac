import { join } from 'node:path';
import { type CropOptions, formatColor, type Rgb, variantsOf } from '@dpar/images';
import { checkpointIdentity } from '@dpar/io/node';
import type { ImageTokenizer } from '@dpar/tokenizer';
import type { Context } from '../command/command.js';
import { interruptible } from '../command/interruptible.js';
import { classDigest } from '../tokenize/class-list.js';
import type { LabelledImages } from '../tokenize/labelled-images.js';
import { checkSource, openTokenParts, type TokenPlan } from '../tokenize/token-parts.js';
import { cropSettings, tokenizeImages } from '../tokenize/tokenize-images.js';

/** Pictures that are kept together. An interruption loses at most these. */
const partImages = 256;

/** Width of the square that ten crops are taken from, in widths of a crop. */
const cropRange = 1.1;

/** Folders of the tokens of a run. */
export const tokenFolders = (output: string) => ({
  training: join(output, 'tokens', 'training'),
  validation: join(output, 'tokens', 'validation'),
});

/** Tokenizer and crops of pictures. */
export interface TokenWork {
  readonly tokenizer: ImageTokenizer;
  /** Checkpoint of the tokenizer. */
  readonly checkpoint: string;
  readonly resolution: number;
  readonly background: Rgb;
  readonly crop: CropOptions['crop'];
  readonly flip: boolean;
}

/** Tokenizes pictures into a folder, and resumes earlier work there. One part of the pictures is in memory at a time. */
export async function tokenizePictures(
  source: LabelledImages,
  folder: string,
  { tokenizer, checkpoint, resolution: size, background, crop, flip }: TokenWork,
  label: string,
  context: Context,
): Promise<void> {
  const crops: CropOptions = { crop, flip, size, cropRange, background };
  const { set, classes = [] } = source;
  const plan: TokenPlan = {
    output: folder,
    images: set.count,
    variants: variantsOf(crops),
    tokensPerImage: (size / tokenizer.factor) ** 2,
    partImages,
    source,
    llamaGenName: undefined,
    ours: { start: 0, count: set.count },
    settings: {
      images: set.identity,
      count: set.count,
      classes: classDigest(classes),
      tokenizer: await checkpointIdentity(checkpoint),
      ...cropSettings(crops),
      background: formatColor(background),
      tile: null,
      layout: 'shards',
      part_size: partImages,
    },
  };
  await checkSource(plan, set.path);
  const parts = await openTokenParts(plan);
  await interruptible(label, folder, context, (onProgress) =>
    tokenizeImages({ tokenizer, crops, plan, parts }, onProgress, { signal: context.signal }),
  );
}
