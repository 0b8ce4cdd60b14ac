import { checkSameImages, writeImageList } from '@dpar/eval/node';
import { countThere, type ItemRange, PartFolder, type Settings } from '@dpar/shards';
import { int32 } from '@dpar/tensor';
import { checkSameClasses, diskSource, findTokenLayout, readClassNames, writeClassNames } from '@dpar/train/node';
import type { LabelledImages } from './labelled-images.js';

/** Name of the file with the settings of the tokens in a folder. */
export const tokenSettingsFile = 'tokenize.json';

/** Tokens to write: N images in V variants of T tokens. */
export interface TokenPlan {
  readonly output: string;
  readonly images: number;
  readonly variants: number;
  readonly tokensPerImage: number;
  /** Images that are tokenized, and kept, together. */
  readonly partImages: number;
  /** Images that are tokenized here. Their kept parts are checked; of other parts only the records are read. */
  readonly ours: ItemRange;
  /** Settings that decide the tokens. */
  readonly settings: Settings;
  readonly source: LabelledImages;
}

/** Keeps tokens, part by part. */
export interface TokenWriter {
  /** [N]: 1 for images of parts that are kept. */
  readonly there: Uint8Array;
  /** Keeps a part: tokens [count * V * T] and labels [count]. */
  add(range: ItemRange, tokens: Int32Array, labels: Int32Array): Promise<void>;
  /** Reads the tokens of an image that is kept, [V * T]. */
  read(image: number): Promise<Int32Array>;
}

/**
 * Checks that earlier work in the folder was done on the same images, by the same classes.
 * @throws DparError that names the first image or class that differs.
 */
export async function checkSource({ output, source: { set, classes } }: TokenPlan, input: string): Promise<void> {
  const remedy = 'choose another folder for the tokens of these';
  if (classes !== undefined) {
    const there = await readClassNames(output);
    checkSameClasses(there, { path: input, names: classes }, `Bring the classes back to resume, or ${remedy}.`);
  }
  await checkSameImages(output, tokenSettingsFile, set, remedy);
}

/** Writes the names of classes and images beside tokens. */
export async function describeSource({ output, source: { set, classes } }: TokenPlan): Promise<void> {
  if (classes !== undefined) await writeClassNames(output, classes);
  await writeImageList(output, set);
}

/**
 * Safetensors files `000000-000255.safetensors` with `tokens` [n, V, T] int32, [n, T] for one variant, and `labels` [n].
 * @throws IoError if the folder has other tokens or other files.
 */
export async function createShardWriter(plan: TokenPlan): Promise<TokenWriter> {
  const { output, images, variants: V, tokensPerImage: T, ours, settings } = plan;
  const shape = V === 1 ? [T] : [V, T];
  const types = { tokens: ['I32', shape], labels: ['I32', []] } as const;
  const parts = await PartFolder.open(output, {
    first: 0,
    count: images,
    types,
    ours,
    settings,
    settingsFile: tokenSettingsFile,
  });
  return {
    there: parts.there,
    async add(range, tokens, labels) {
      const { count } = range;
      await parts.add(range, { tokens: int32([count, ...shape], tokens), labels: int32([count], labels) });
    },
    async read(image) {
      // Parts of other shares may be missing.
      const place = countThere(parts.there, { start: 0, count: image });
      return diskSource(await findTokenLayout(output)).readTokens(place, 1);
    },
  };
}
