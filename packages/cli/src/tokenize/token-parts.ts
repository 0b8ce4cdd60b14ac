import { join } from 'node:path';
import { checkSameImages, writeImageList } from '@dpar/images/node';
import { recoverFiles, writeClassNames } from '@dpar/io/node';
import { type ItemRange, PartFolder, type Settings } from '@dpar/shards';
import { checkSameClasses, readClassNames } from '@dpar/train/node';
import type { LabelledImages } from './labelled-images.js';
import { filesOf, llamaGenFormat, recordsEnd } from './llamagen-format.js';

/** Name of the file with the settings of the tokens in a folder. */
export const tokenSettingsFile = 'tokenize.json';

/** Tokens to write: N images in V variants of T tokens. */
export interface TokenPlan {
  readonly output: string;
  /** Beginning of the names of folders in LlamaGen's layout; undefined for safetensors files. */
  readonly llamaGenName: string | undefined;
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
 * Opens the folder of tokens: safetensors files `000000-000255.safetensors` with `tokens` [n, V, T] int32, [n, T] for one variant,
 * and `labels` [n], or LlamaGen's layout.
 * @throws IoError if the folder has other tokens or other files.
 */
export async function openTokenParts(plan: TokenPlan): Promise<PartFolder> {
  const { output, llamaGenName, images, variants: V, tokensPerImage: T, ours, settings } = plan;
  const types = { tokens: ['I32', V === 1 ? [T] : [V, T]], labels: ['I32', []] } as const;
  const options = { count: images, types, ours, settings, settingsFile: tokenSettingsFile };
  if (llamaGenName === undefined) return PartFolder.open(output, options);
  const settingsFile = join('..', tokenSettingsFile);
  const records = join(output, `${llamaGenName}${recordsEnd}`);
  const parts = await PartFolder.open(records, { ...options, settingsFile, format: llamaGenFormat });
  await recoverFiles(filesOf(records, ours));
  return parts;
}
