import { type ItemRange, PartFolder, type Settings } from '@dpar/io/node';
import { int32 } from '@dpar/tensor';
import { diskSource, findTokenLayout } from '@dpar/train/node';
import { writeClasses } from './classes.js';

/** Name of the file that says what the tokens of a folder are made of. */
export const tokenSettingsFile = 'tokenize.json';

/** What is written: N images in V variants of T tokens. */
export interface TokenPlan {
  readonly output: string;
  readonly images: number;
  readonly variants: number;
  readonly tokensPerImage: number;
  /** Images that are tokenized, and kept, together. */
  readonly partImages: number;
  /** Images that are tokenized here: kept parts with them are checked, others are found by their records alone. */
  readonly ours: ItemRange;
  /** What decides on the tokens. */
  readonly settings: Settings;
  readonly classes: readonly string[] | undefined;
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
 * Safetensors files `000000-000255.safetensors` with `tokens` [n, V, T] int32, [n, T] for one variant, and `labels` [n].
 * @throws IoError if the folder holds other tokens or something else.
 */
export async function createShardWriter(plan: TokenPlan): Promise<TokenWriter> {
  const { output, images, variants: V, tokensPerImage: T, ours, settings, classes } = plan;
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
      if (classes !== undefined) await writeClasses(output, classes);
    },
    async read(image) {
      // Parts of other shares may be missing.
      const place = parts.there.subarray(0, image).reduce((sum, value) => sum + value, 0);
      return diskSource(await findTokenLayout(output)).readTokens(place, 1);
    },
  };
}
