import { stat } from 'node:fs/promises';
import { nearestNames } from '@dpar/check';
import type { ImageReading } from '@dpar/images';
import { openImageArray, openImageFolder, type SoundImages, type StoredImageSet } from '@dpar/images/node';
import { toHostTensor } from '@dpar/io';
import { type ClassNames, openNpz } from '@dpar/io/node';
import { CommandError } from '../command/errors.js';

/** Images with their classes. */
export interface LabelledImages {
  readonly set: StoredImageSet;
  /** [N] */
  readonly labels: Int32Array;
  /** Names of the classes, by their numbers; undefined if none are known. */
  readonly classes: readonly string[] | undefined;
}

/** Name of the labels in ADM's sample batches. */
const labelArray = 'arr_1';

/**
 * Opens a folder of images with one class in each subfolder, or an ADM sample batch with or without labels. Classes are
 * numbered by the given list. Without a list, all subfolders are numbered in code point order, as in torchvision's
 * ImageFolder. Empty classes keep their numbers. Images without classes have class 0.
 * @param reading How files become RGB.
 * @param list All classes by their numbers.
 * @param threads Threads that decode files; close the set to end them. Default: the calling thread decodes.
 * @throws CommandError if only some images are in subfolders, a folder of images is not in the list, or labels do not fit.
 */
export async function openLabelledImages(
  path: string,
  reading: ImageReading,
  list?: ClassNames,
  threads?: number,
): Promise<LabelledImages> {
  if ((await stat(path)).isDirectory()) {
    // Reading all of ImageNet to tell it from others would take longer than starting again is worth.
    return withClasses(path, await openImageFolder(path, { digest: 'sizes', reading, threads }), list);
  }
  const set = await openImageArray(path);
  const labels = path.endsWith('.npz') ? await readLabels(path, set.count) : undefined;
  if (list !== undefined) checkLabels(path, labels, list);
  return { set, labels: labels ?? new Int32Array(set.count), classes: list?.names };
}

/** Names of the classes without images. */
export function emptyClasses({ labels, classes = [] }: LabelledImages): string[] {
  const there = new Set(labels);
  return classes.filter((_, number) => !there.has(number));
}

/** The images that are left of a set, with the classes that they had in it. */
export function labelledSound(images: LabelledImages, { set, kept }: SoundImages): LabelledImages {
  return { ...images, set, labels: Int32Array.from(kept, (index) => images.labels[index] as number) };
}

function withClasses(path: string, set: StoredImageSet, list: ClassNames | undefined): LabelledImages {
  const { files = [], folders = [] } = set;
  const folderOf = (file: string): string | undefined => /^(.+?)\//.exec(file)?.[1];
  const names = files.map((file) => folderOf(file.path));
  const alone = names.indexOf(undefined);
  if (alone >= 0) {
    const classless = names.every((name) => name === undefined);
    if (classless && list === undefined) return { set, labels: new Int32Array(set.count), classes: undefined };
    throw new CommandError(
      `expected each image of '${path}' in the folder of its class${list ? ` as '${list.path}' lists them` : ', or all without one'}, ` +
        `got '${set.nameOf(alone)}'${classless ? '' : ' beside folders'}. Move it into one.`,
    );
  }
  const classes = list?.names ?? folders;
  const numbers = new Map(classes.map((name, number) => [name, number]));
  const labels = Int32Array.from(names as string[], (name) => numbers.get(name) ?? refuseFolder(path, name, list));
  return { set, labels, classes };
}

function refuseFolder(path: string, name: string, list: ClassNames | undefined): never {
  const [nearest] = nearestNames(name, list?.names ?? [], 1);
  throw new CommandError(
    `expected folders in '${path}' that '${list?.path}' lists, got '${name}' (the nearest is '${nearest}'). ` +
      'Rename it, move it away, or add it to the end of the list.',
  );
}

function checkLabels(path: string, labels: Int32Array | undefined, { path: file, names }: ClassNames): void {
  if (labels === undefined) {
    throw new CommandError(
      `expected labels ${labelArray} in '${path}' with '${file}', got none. Leave --classes-file out.`,
    );
  }
  const outside = labels.find((label) => label < 0 || label >= names.length);
  if (outside === undefined) return;
  throw new CommandError(
    `expected labels from 0 to ${names.length - 1} in '${path}', as '${file}' lists classes, got ${outside}. Pass the whole list.`,
  );
}

async function readLabels(path: string, count: number): Promise<Int32Array | undefined> {
  const file = await openNpz(path);
  try {
    const array = file.arrays.get(labelArray);
    if (array === undefined) return undefined;
    const labels = toHostTensor(await array.read(), labelArray);
    if (labels.dtype === 'int32' && labels.shape.join() === String(count)) return Int32Array.from(labels.data);
    throw new CommandError(
      `expected ${count} whole numbers as labels ${labelArray} in '${path}', got ${labels.dtype}[${labels.shape.join(', ')}]. ` +
        'Write the labels of these images.',
    );
  } finally {
    await file.close();
  }
}
