import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** The used part of an entry of emoji.json. */
interface Entry {
  readonly unified: string;
  readonly short_name: string;
  readonly category: string;
  readonly image: string;
  readonly has_img_google: boolean;
}

/** Writes some emoji on white as PNG files, 64 x 64, in a folder for each category. @returns How many. */
export async function writeEmojiImages(folder: string, wanted: (entry: Entry) => boolean): Promise<number> {
  const index = createRequire(import.meta.url).resolve('emoji-datasource-google/emoji.json');
  const images = join(dirname(index), 'img', 'google', '64');
  const all = JSON.parse(await readFile(index, 'utf8')) as Entry[];
  const entries = all.filter((entry) => entry.category !== 'Component' && entry.has_img_google && wanted(entry));
  for (const { category, short_name, image } of entries) {
    const place = join(folder, category.replace(/\W+/g, '-'));
    await mkdir(place, { recursive: true });
    await sharp(join(images, image))
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .png()
      .toFile(join(place, `${short_name}.png`));
  }
  return entries.length;
}
