import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareCodePoints } from '@dpar/io';
import { readJson, writeFileAtomic } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type ImageSet, imageSetKinds } from '../image-set.js';
import type { ImageFile, StoredImageSet } from './stored-image-set.js';

/** Name of the file that lists the images of tokens or features: a line such as `["cat/a.png",1234]` for each, in order. */
export const imageListFile = 'images.jsonl';

/** A set with its files, if each image is one. */
type ListedSet = ImageSet & Pick<StoredImageSet, 'files'>;

/** Images whose lines are written together. */
const linesAtATime = 4096;

/** Writes the list of a set's images to a folder, unless it exists. A set in one file has no list. */
export async function writeImageList(folder: string, set: ListedSet): Promise<void> {
  checkArguments('writeImageList', { folder, set }, { folder: 'string', set: imageSetKinds });
  const { files } = set;
  const path = join(folder, imageListFile);
  if (files !== undefined && !existsSync(path)) await writeFileAtomic(path, linesOf(files));
}

function* linesOf(files: readonly ImageFile[]): Generator<Uint8Array> {
  for (let first = 0; first < files.length; first += linesAtATime) {
    const lines = files
      .slice(first, first + linesAtATime)
      .map(({ path, bytes, digest }) => `${JSON.stringify(digest ? [path, bytes, digest] : [path, bytes])}\n`);
    yield new TextEncoder().encode(lines.join(''));
  }
}

/** Reads the list of images in a folder. Undefined if it is missing or damaged. */
export async function readImageList(folder: string): Promise<readonly ImageFile[] | undefined> {
  checkArguments('readImageList', { folder }, { folder: 'string' });
  const text = await readFile(join(folder, imageListFile), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return text.split('\n').flatMap((line): ImageFile[] => {
      if (line === '') return [];
      const [path, bytes, digest] = JSON.parse(line);
      return [{ path: String(path), bytes: Number(bytes), digest: digest && String(digest) }];
    });
  } catch {
    return undefined;
  }
}

/**
 * Describes the difference between two lists of images: their numbers, and the first new, missing or changed image. Both lists
 * are in the order of {@link compareCodePoints}.
 */
export function describeImageChange(before: readonly ImageFile[], after: readonly ImageFile[]): string {
  checkArguments('describeImageChange', { before, after }, { before: 'object[]', after: 'object[]' });
  let first = 'their contents differ';
  let [changes, i, j] = [0, 0, 0];
  while (i < before.length || j < after.length) {
    const [old, now] = [before[i], after[j]];
    const order = old === undefined ? 1 : now === undefined ? -1 : compareCodePoints(old.path, now.path);
    const change = changeOf(order, old, now);
    if (change !== undefined && changes++ === 0) first = change;
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  const counts =
    before.length === after.length ? `${after.length} images` : `${after.length} images in place of ${before.length}`;
  const rest = changes > 1 ? `, and ${changes - 1} more ${changes === 2 ? 'differs' : 'differ'}` : '';
  return `${counts}: ${first}${rest}`;
}

/** @param order Order of the paths: negative if `old` was removed, positive if `now` is new. */
function changeOf(order: number, old: ImageFile | undefined, now: ImageFile | undefined): string | undefined {
  if (order < 0) return `'${old?.path}' is missing`;
  if (order > 0) return `'${now?.path}' is new`;
  if (old?.bytes !== now?.bytes) return `'${old?.path}' has ${now?.bytes} bytes in place of ${old?.bytes}`;
  return old?.digest === now?.digest ? undefined : `'${old?.path}' has other content`;
}

/**
 * Checks that earlier work in a folder was done on the same images.
 * @param settingsFile Name of the file with the settings of that work. Its key `images` is the identity of the images.
 * @param remedy Alternative to restoring the images, for the error message.
 * @throws DparError with both numbers of images and the first difference.
 */
export async function checkSameImages(
  folder: string,
  settingsFile: string,
  set: ListedSet,
  remedy: string,
): Promise<void> {
  checkArguments(
    'checkSameImages',
    { folder, settingsFile, set, remedy },
    { folder: 'string', settingsFile: 'string', set: imageSetKinds, remedy: 'string' },
  );
  const there = await readJson(join(folder, settingsFile));
  if (there === undefined || there.images === set.identity) return;
  const { files } = set;
  const list = await readImageList(folder);
  const change =
    files !== undefined && list !== undefined
      ? describeImageChange(list, files)
      : `${set.count} images with other names or content${there.count === set.count ? '' : ` in place of ${there.count}`}`;
  throw new DparError(
    `checkSameImages: expected the images of earlier work in '${folder}', got '${set.name}' with ${change}. ` +
      `Restore them to resume, or ${remedy}.`,
  );
}
