import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compareCodePoints } from '@dpar/io';
import sharp from 'sharp';
import type { Progress } from '../progress.js';

/** Width and height of an image in pixels. */
export const imageSize = 64;

/** Bytes of an image: red, green and blue of each pixel. */
const imageBytes = 3 * imageSize * imageSize;

/** Share of the emoji that is kept for validation. */
const validationShare = 0.05;

/** Images in the order of the package. N images. */
export interface ImageSet {
  /** [N, 64, 64, 3], 0..255, on white. */
  readonly pixels: Uint8Array;
  /** [N], index of the class. */
  readonly labels: Int32Array;
  /** [N], such as 'grinning'; variants of skin tone have the name of their emoji. */
  readonly names: readonly string[];
}

/** Emoji of one vendor with their categories as classes. */
export interface Emoji {
  readonly classes: readonly string[];
  readonly train: ImageSet;
  readonly validation: ImageSet;
}

/** Vendor of the drawings. */
export type Vendor = 'google' | 'twitter';

interface Image {
  readonly image: string;
  readonly has_img_google: boolean;
  readonly has_img_twitter: boolean;
}

/** The used keys of an entry of emoji.json in the packages `emoji-datasource-*`. */
export interface EmojiEntry extends Image {
  readonly unified: string;
  readonly short_name: string;
  readonly category: string;
  readonly subcategory: string;
  readonly skin_variations?: Readonly<Record<string, Image>>;
}

/** Reads a vendor's list of emoji. @returns The entries, and the folder of their images of 64 x 64 pixels. */
export async function readEntries(vendor: Vendor): Promise<{ entries: EmojiEntry[]; folder: string }> {
  const index = createRequire(import.meta.url).resolve(`emoji-datasource-${vendor}/emoji.json`);
  const folder = join(dirname(index), 'img', vendor, String(imageSize));
  return { entries: JSON.parse(await readFile(index, 'utf8')) as EmojiEntry[], folder };
}

/** Decodes image files of 64 x 64 pixels on white: [N, 64, 64, 3]. @param onProgress Receives the number of decoded files. */
export async function decodeImages(
  paths: readonly string[],
  onProgress: (done: number) => void = () => {},
): Promise<Uint8Array> {
  const pixels = new Uint8Array(paths.length * imageBytes);
  const batch = 64;
  for (let start = 0; start < paths.length; start += batch) {
    const decoded = await Promise.all(
      paths
        .slice(start, start + batch)
        .map((path) => sharp(path).flatten({ background: '#fff' }).toColourspace('srgb').raw().toBuffer()),
    );
    decoded.forEach((data, i) => {
      pixels.set(data, (start + i) * imageBytes);
    });
    onProgress(start + decoded.length);
  }
  return pixels;
}

/** True if an emoji, with all its variants, is kept for validation, by the hash of its code points. */
export function isValidation(unified: string): boolean {
  return createHash('sha256').update(unified).digest().readUInt32BE(0) / 2 ** 32 < validationShare;
}

/** Image file of an emoji, or of one of its variants of skin tone. */
export interface EmojiFile {
  readonly path: string;
  readonly entry: EmojiEntry;
}

/**
 * Lists the image files of the emoji, without the category 'Component' (five patches of skin colour).
 * @param limit Lists about this many, evenly spread; all if undefined.
 */
export async function listEmoji(limit?: number, vendor: Vendor = 'google'): Promise<EmojiFile[]> {
  const { entries, folder } = await readEntries(vendor);
  const all = entries
    .filter(({ category }) => category !== 'Component')
    .flatMap((entry) =>
      [entry, ...Object.values(entry.skin_variations ?? {})]
        .filter((variant) => variant[`has_img_${vendor}`])
        .map(({ image }) => ({ path: join(folder, image), entry })),
    );
  const stride = limit === undefined ? 1 : Math.max(1, all.length / limit);
  return all.filter((_, i) => Math.floor((i + 1) / stride) > Math.floor(i / stride));
}

/**
 * Reads the emoji of {@link listEmoji}.
 * @param progress Counts to 1.
 */
export async function loadEmoji(
  limit: number | undefined,
  progress: Progress,
  vendor: Vendor = 'google',
): Promise<Emoji> {
  const files = await listEmoji(limit, vendor);
  const classes = [...new Set(files.map(({ entry }) => entry.category))].sort(compareCodePoints);
  let before = 0;
  const read = async (part: typeof files): Promise<ImageSet> => {
    const pixels = await decodeImages(
      part.map(({ path }) => path),
      (done) => progress.update((before + done) / files.length),
    );
    before += part.length;
    return {
      pixels,
      labels: Int32Array.from(part, ({ entry }) => classes.indexOf(entry.category)),
      names: part.map(({ entry }) => entry.short_name),
    };
  };
  return {
    classes,
    train: await read(files.filter(({ entry }) => !isValidation(entry.unified))),
    validation: await read(files.filter(({ entry }) => isValidation(entry.unified))),
  };
}

/** One image of [N, 64, 64, 3], without a copy. */
export function imageAt(pixels: Uint8Array, index: number): Uint8Array {
  return pixels.subarray(index * imageBytes, (index + 1) * imageBytes);
}
