import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compareCodePoints } from '@dpar/io';
import sharp from 'sharp';

/** Width and height of an image in pixels. */
export const imageSize = 64;

/** Bytes of an image: red, green and blue of each pixel. */
const imageBytes = 3 * imageSize * imageSize;

/** Share of the emoji that is kept for validation. */
const validationShare = 0.05;

/** Some of the emoji, in the order of the package. N images. */
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

/** A package of drawings: those of other vendors have the same index. */
export interface EmojiPackage {
  /** As the package's files name it. */
  readonly vendor: 'google' | 'twitter';
  /** Path of its emoji.json, beside which the drawings lie. */
  readonly index: string;
}

/** Google's drawings, which all images are of unless another package is given. */
const google = (): EmojiPackage => ({
  vendor: 'google',
  index: createRequire(import.meta.url).resolve('emoji-datasource-google/emoji.json'),
});

/** What is used of an entry of the package's emoji.json; whether there is an image is `has_img_<vendor>`. */
interface Entry extends Image {
  readonly unified: string;
  readonly short_name: string;
  readonly category: string;
  readonly skin_variations?: Readonly<Record<string, Image>>;
}

interface Image {
  readonly image: string;
  readonly has_img_google: boolean;
  readonly has_img_twitter: boolean;
}

interface ImageFile {
  readonly path: string;
  readonly name: string;
  readonly category: string;
  readonly isValidation: boolean;
}

/** Whether an emoji, with all its variants, is kept for validation: by the hash of its code points, so always the same. */
export function isValidation(unified: string): boolean {
  return createHash('sha256').update(unified).digest().readUInt32BE(0) / 2 ** 32 < validationShare;
}

/** The image files; the category 'Component' (five patches of skin colour) is left out. */
async function imageFiles({ vendor, index }: EmojiPackage): Promise<ImageFile[]> {
  const folder = join(dirname(index), 'img', vendor, String(imageSize));
  const entries = JSON.parse(await readFile(index, 'utf8')) as Entry[];
  return entries
    .filter(({ category }) => category !== 'Component')
    .flatMap((entry) =>
      [entry, ...Object.values(entry.skin_variations ?? {})]
        .filter((variant) => variant[`has_img_${vendor}`])
        .map((variant) => ({
          path: join(folder, variant.image),
          name: entry.short_name,
          category: entry.category,
          isValidation: isValidation(entry.unified),
        })),
    );
}

/** Decodes image files on white: [N, 64, 64, 3]. */
async function decode(files: readonly ImageFile[], onProgress: (done: number) => void): Promise<Uint8Array> {
  const pixels = new Uint8Array(files.length * imageBytes);
  const batch = 64;
  for (let start = 0; start < files.length; start += batch) {
    const part = files.slice(start, start + batch);
    const decoded = await Promise.all(
      part.map(({ path }) => sharp(path).flatten({ background: '#fff' }).toColourspace('srgb').raw().toBuffer()),
    );
    decoded.forEach((data, i) => {
      pixels.set(data, (start + i) * imageBytes);
    });
    onProgress(start + part.length);
  }
  return pixels;
}

/** About `limit` of the image files, evenly spread (all if undefined), and the classes of all. */
async function selectFiles(
  limit: number | undefined,
  source: EmojiPackage = google(),
): Promise<{ files: ImageFile[]; classes: string[] }> {
  const all = await imageFiles(source);
  const stride = limit === undefined ? 1 : Math.max(1, all.length / limit);
  return {
    files: all.filter((_, i) => Math.floor((i + 1) / stride) > Math.floor(i / stride)),
    classes: [...new Set(all.map(({ category }) => category))].sort(compareCodePoints),
  };
}

async function readSet(
  files: readonly ImageFile[],
  classes: readonly string[],
  onProgress: (done: number) => void,
): Promise<ImageSet> {
  return {
    pixels: await decode(files, onProgress),
    labels: Int32Array.from(files, ({ category }) => classes.indexOf(category)),
    names: files.map(({ name }) => name),
  };
}

/**
 * Reads the emoji.
 * @param limit Reads about this many, evenly spread (default: all).
 * @param source Whose drawings (default: Google's).
 */
export async function loadEmoji(
  limit: number | undefined,
  onProgress: (done: number, total: number) => void,
  source?: EmojiPackage,
): Promise<Emoji> {
  const { files, classes } = await selectFiles(limit, source);
  const train = files.filter((file) => !file.isValidation);
  const validation = files.filter((file) => file.isValidation);
  return {
    classes,
    train: await readSet(train, classes, (done) => onProgress(done, files.length)),
    validation: await readSet(validation, classes, (done) => onProgress(train.length + done, files.length)),
  };
}

/** Reads those of the emoji that {@link loadEmoji} keeps for validation, and no others. */
export async function loadValidationEmoji(limit?: number): Promise<Omit<Emoji, 'train'>> {
  const { files, classes } = await selectFiles(limit);
  const validation = files.filter((file) => file.isValidation);
  return { classes, validation: await readSet(validation, classes, () => {}) };
}

/** Number of images of a set. */
export function countOf({ labels }: ImageSet): number {
  return labels.length;
}

/** One image of [N, 64, 64, 3], without a copy. */
export function imageAt(pixels: Uint8Array, index: number): Uint8Array {
  return pixels.subarray(index * imageBytes, (index + 1) * imageBytes);
}
