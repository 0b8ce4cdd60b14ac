import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import type { Rgb } from '@dpar/images';
import { openImageFolder, type StoredImageSet } from '@dpar/images/node';
import { formatDigest } from '@dpar/io/node';
import type { Context } from '../command/command.js';
import { CommandError } from '../command/errors.js';
import { countOf, namesOf } from '../command/format.js';
import { readingOnto } from '../images/options.js';
import type { LabelledImages } from '../tokenize/labelled-images.js';

/** Fewest pictures that a model is trained on. */
export const fewestPictures = 20;

/** A picture that cannot be used, with the reason. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/** Pictures of a folder. */
export interface Pictures extends LabelledImages {
  readonly path: string;
  /** Names of the classes, at least one. */
  readonly classes: readonly string[];
  /** Digest of the paths and sizes of all files. */
  readonly identity: string;
  /** All pictures that were found. */
  readonly found: number;
  readonly leftOut: readonly LeftOut[];
  /** Pictures that their EXIF orientation turns or mirrors. */
  readonly turned: number;
  readonly transparent: number;
}

/**
 * Looks at all pictures of a folder: one class for each subfolder with pictures, or one class of all.
 * @param background Colour behind transparent pixels.
 * @throws CommandError for no pictures, too few, or pictures beside folders with pictures.
 */
export async function lookAtPictures(path: string, background: Rgb, context: Context): Promise<Pictures> {
  const reading = readingOnto(background);
  const set = await openImageFolder(path, { digest: 'sizes', reading });
  const progress = context.progress({ label: 'pictures', unit: 'pictures', total: set.count });
  const kept: number[] = [];
  const leftOut: LeftOut[] = [];
  let [turned, transparent, index] = [0, 0, 0];
  try {
    for await (const { name, damage, isTurned, isTransparent } of set.inspect?.(0, set.count) ?? []) {
      context.signal.throwIfAborted();
      if (damage === undefined) kept.push(index);
      else leftOut.push({ name, reason: damage });
      turned += Number(isTurned);
      transparent += Number(isTransparent);
      progress.update(++index);
    }
  } finally {
    progress.stop();
  }
  checkCount(path, set.count, kept.length, leftOut);
  const { labels, classes } = classesOf(path, set, kept);
  const sound = select(set, kept);
  return { path, set: sound, labels, classes, identity: set.identity, found: set.count, leftOut, turned, transparent };
}

function checkCount(path: string, found: number, usable: number, leftOut: readonly LeftOut[]): void {
  if (usable >= fewestPictures) return;
  const [first] = leftOut;
  const damaged =
    first === undefined ? '' : `, and ${leftOut.length} that cannot be read, such as '${first.name}' (${first.reason})`;
  const remedy = usable === 0 && found > 0 ? 'Check the files' : 'Add pictures. Some hundred give a useful model';
  throw new CommandError(
    `expected at least ${fewestPictures} pictures in '${path}', got ${usable}${damaged}. ${remedy}.`,
  );
}

/** Classes of the chosen pictures of a set, by their first folder. */
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
  const sorted = (classes as string[]).sort((a, b) => (a < b ? -1 : 1));
  return { labels: Int32Array.from(names as string[], (name) => sorted.indexOf(name)), classes: sorted };
}

/** Pictures of a set by their numbers, ascending. */
export function select(set: StoredImageSet, chosen: readonly number[]): StoredImageSet {
  const hash = createHash('sha256').update(set.identity).update(JSON.stringify(chosen));
  return {
    ...set,
    count: chosen.length,
    identity: formatDigest(hash),
    files: set.files && chosen.flatMap((index) => set.files?.[index] ?? []),
    nameOf: (index) => set.nameOf(chosen[index] as number),
    async *read(first, count, reading) {
      // Consecutive pictures are read together, so some load ahead.
      for (let at = first; at < first + count; ) {
        const start = chosen[at] as number;
        let run = 1;
        while (at + run < first + count && chosen[at + run] === start + run) run++;
        yield* set.read(start, run, reading);
        at += run;
      }
    },
    inspect: undefined,
  };
}

/** Training and validation pictures. */
export interface Split {
  readonly training: LabelledImages;
  readonly validation: LabelledImages;
}

/**
 * Divides pictures by a hash of their paths, so that the order of files does not matter.
 * @param counts Pictures for training and for validation. The others are not used.
 */
export function splitPictures(
  { set, labels, classes }: Pictures,
  counts: { readonly training: number; readonly validation: number },
): Split {
  const hashes = Array.from({ length: set.count }, (_, i) =>
    createHash('sha256')
      .update(set.files?.[i]?.path ?? String(i))
      .digest('hex'),
  );
  const order = [...hashes.keys()].sort((a, b) => ((hashes[a] as string) < (hashes[b] as string) ? -1 : 1));
  const part = (from: number, to: number): LabelledImages => {
    const chosen = order.slice(from, to).sort((a, b) => a - b);
    return { set: select(set, chosen), labels: Int32Array.from(chosen, (i) => labels[i] as number), classes };
  };
  const { training, validation } = counts;
  return { validation: part(0, validation), training: part(validation, validation + training) };
}

/** What was found, as names and values. */
export function describePictures(pictures: Pictures): [string, string][] {
  const { path, set, labels, classes, leftOut, turned, transparent } = pictures;
  const counts = classes.map((_, label) => labels.reduce((sum, other) => sum + Number(other === label), 0));
  const fewest = Math.min(...counts);
  const perClass = classes.length === 1 ? '' : `, ${fewest} to ${Math.max(...counts)} pictures each`;
  return [
    ['pictures', `${set.count} in '${path}'`],
    ['classes', `${countOf(classes.length, 'class').replace(/class(s)$/, 'classes')}: ${namesOf(classes)}${perClass}`],
    ...(turned > 0 ? [['turned', `${turned}, put upright by their EXIF orientation`] as [string, string]] : []),
    ...(transparent > 0 ? [['transparent', `${transparent}, put on the background`] as [string, string]] : []),
    ...(leftOut.length > 0
      ? [
          ['left out', `${leftOut.length}: ${namesOf(leftOut.map(({ name, reason }) => `${name} (${reason})`))}`] as [
            string,
            string,
          ],
        ]
      : []),
  ];
}
