import { basename, resolve } from 'node:path';
import type { Rgb } from '@dpar/images';
import {
  inspectPictures,
  openImageFolder,
  type StoredImageSet,
  selectImages,
  splitPictures,
  usualImageThreads,
} from '@dpar/images/node';
import { compareCodePoints } from '@dpar/io';
import type { Context } from '../command/command.js';
import { CommandError } from '../command/errors.js';
import { namesOf } from '../command/format.js';
import type { Progress } from '../command/progress.js';
import { readingOnto } from '../images/options.js';
import { spread } from '../report/report.js';
import type { LabelledImages } from '../tokenize/labelled-images.js';

/** Fewest pictures that a model is trained on. */
export const fewestPictures = 20;

/** A picture that is not used, with the reason. */
export interface LeftOut {
  /** Path in the folder. */
  readonly path: string;
  readonly reason: string;
}

/** Result of an inspection of pictures. It is kept, because decoding all pictures takes long. */
export interface PictureFacts {
  /** Digest of the paths and sizes of all files. */
  readonly identity: string;
  /** Pictures that are used. */
  readonly images: number;
  readonly classes: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** Pictures that their EXIF orientation turns or mirrors. */
  readonly turned: number;
  readonly transparent: number;
  /** Shorter sides in pixels. */
  readonly shorterSides: { readonly smallest: number; readonly median: number; readonly largest: number };
  readonly formats: readonly string[];
}

/** Pictures of a folder. */
export interface Pictures extends LabelledImages {
  readonly path: string;
  /** Names of the classes, at least one. */
  readonly classes: readonly string[];
  readonly facts: PictureFacts;
}

/**
 * Looks at all pictures of a folder: one class for each subfolder with pictures, or one class of all. Damaged files and copies of other
 * files are left out.
 * @param background Colour behind transparent pixels.
 * @param known Facts of an earlier run, which are taken over if names and sizes of the files are the same.
 * @throws CommandError for too few pictures, or pictures beside folders with pictures; DparError for a folder without pictures.
 */
export async function lookAtPictures(
  path: string,
  background: Rgb,
  known: PictureFacts | undefined,
  context: Context,
): Promise<Pictures> {
  const threads = context.threads === undefined ? usualImageThreads() : Math.ceil(context.threads / 2);
  const set = await openImageFolder(path, { digest: 'sizes', reading: readingOnto(background), threads });
  const inspected = known?.identity === set.identity ? known : await inspect(path, set, context);
  const unused = new Set(inspected.leftOut.map((file) => file.path));
  const kept = [...Array(set.count).keys()].filter((index) => !unused.has(set.files?.[index]?.path ?? ''));
  checkCount(path, kept.length, inspected.leftOut);
  const { labels, classes } = classesOf(path, set, kept);
  return { path, set: selectImages(set, kept), labels, classes, facts: { ...inspected, images: kept.length, classes } };
}

async function inspect(
  path: string,
  { identity }: StoredImageSet,
  context: Context,
): Promise<Omit<PictureFacts, 'images' | 'classes'>> {
  let progress: Progress | undefined;
  try {
    const found = await inspectPictures(path, {
      pixels: true,
      ...(context.threads !== undefined && { threads: context.threads }),
      signal: context.signal,
      onProgress: (done, total) => {
        progress ??= context.progress({ label: 'pictures', unit: 'pictures', total });
        progress.update(done);
      },
    });
    const { damaged, duplicates, turned, transparent, shorterSides, formats } = found;
    const copies = duplicates.flatMap(([first = '', ...others]) =>
      others.map((other) => ({ path: other, reason: `the same file as ${first}` })),
    );
    const { smallest, median, largest } = shorterSides;
    return {
      identity,
      leftOut: [...damaged, ...copies],
      turned,
      transparent,
      shorterSides: { smallest, median, largest },
      formats: formats.map(({ name }) => name),
    };
  } finally {
    progress?.stop();
  }
}

function checkCount(path: string, usable: number, leftOut: readonly LeftOut[]): void {
  if (usable >= fewestPictures) return;
  const [first] = leftOut;
  const others =
    first === undefined ? '' : `, and ${leftOut.length} that cannot be used, such as '${first.path}' (${first.reason})`;
  const remedy = usable === 0 ? 'Check the files' : 'Add pictures. Some hundred give a useful model';
  throw new CommandError(
    `expected at least ${fewestPictures} pictures in '${path}', got ${usable}${others}. ${remedy}.`,
  );
}

/** Classes of the chosen pictures of a set, by their first folder, in code point order. */
function classesOf(
  path: string,
  { files = [], nameOf }: StoredImageSet,
  kept: readonly number[],
): { readonly labels: Int32Array; readonly classes: readonly string[] } {
  const names = kept.map((index) => /^(.+?)\//.exec(files[index]?.path ?? '')?.[1]);
  const classes = [...new Set(names)];
  if (classes.includes(undefined)) {
    if (classes.length === 1) return { labels: new Int32Array(kept.length), classes: [basename(resolve(path))] };
    const alone = nameOf(kept[names.indexOf(undefined)] as number);
    throw new CommandError(
      `expected each picture of '${path}' in the folder of its class, or all without one, got '${alone}' beside folders. ` +
        'Move it into one.',
    );
  }
  const sorted = (classes as string[]).sort(compareCodePoints);
  const numbers = new Map(sorted.map((name, number) => [name, number]));
  return { labels: Int32Array.from(names as string[], (name) => numbers.get(name) ?? 0), classes: sorted };
}

/** Training and validation pictures. */
export interface Split {
  readonly training: LabelledImages;
  readonly validation: LabelledImages;
}

/**
 * Divides pictures by a hash of their paths, as the training of the tokenizer does.
 * @param share Share of the pictures for validation.
 * @param most Most training pictures, evenly spread.
 */
export function dividePictures(
  { set, labels, classes }: Pictures,
  share: number,
  most = Number.POSITIVE_INFINITY,
): Split {
  const paths = Array.from({ length: set.count }, (_, i) => set.files?.[i]?.path ?? '');
  const split = splitPictures(paths, share);
  const part = (chosen: readonly number[]): LabelledImages => ({
    set: selectImages(set, chosen),
    labels: Int32Array.from(chosen, (i) => labels[i] as number),
    classes,
  });
  return { training: part(spread(split.training, most)), validation: part(split.validation) };
}

/** Most names of files that a table shows. */
const shownFiles = 3;

/** Findings about pictures, as names and values. */
export function describePictures(pictures: Pictures): [string, string][] {
  const { path, labels, classes, facts } = pictures;
  const { images, leftOut, turned, transparent, shorterSides, formats } = facts;
  const counts = new Array<number>(classes.length).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const each = fewest === most ? `${fewest}` : `${fewest} to ${most}`;
  const files = leftOut.slice(0, shownFiles).map((file) => `${file.path} (${file.reason})`);
  const more = leftOut.length > shownFiles ? ` and ${leftOut.length - shownFiles} more` : '';
  const { smallest, median, largest } = shorterSides;
  const rows: (readonly [string, string] | false)[] = [
    ['pictures', `${images} in '${path}', ${formats.join(', ')}`],
    ['shorter side', `${smallest} to ${largest} pixels, median ${median}`],
    [
      'classes',
      classes.length === 1 ? `one: ${classes[0]}` : `${classes.length} of ${each} pictures: ${namesOf(classes)}`,
    ],
    turned > 0 && ['turned', `${turned}, put upright`],
    transparent > 0 && ['transparent', `${transparent}, put on the background`],
    leftOut.length > 0 && ['left out', `${leftOut.length}: ${files.join(', ')}${more}`],
  ];
  return rows.flatMap((row): [string, string][] => (row === false ? [] : [[row[0], row[1]]]));
}
