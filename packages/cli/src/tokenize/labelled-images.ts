import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import type { ImageReading } from '@dpar/eval';
import { openImageArray, openImageFolder, type SoundImages, type StoredImageSet } from '@dpar/eval/node';
import { toHostTensor } from '@dpar/io';
import { openNpz } from '@dpar/io/node';
import { CommandError } from '../errors.js';

/** Images with their classes. */
export interface LabelledImages {
  readonly set: StoredImageSet;
  /** [N] */
  readonly labels: Int32Array;
  /** Names of the classes, by their numbers; undefined if the images have none. */
  readonly classes: readonly string[] | undefined;
}

/** Name of the labels in ADM's sample batches. */
const labelArray = 'arr_1';

/**
 * Opens a folder of images with one class in each subfolder, numbered in the order of their names as torchvision's ImageFolder
 * does, or an ADM sample batch with or without labels. Images without classes have class 0.
 * @param reading How files become RGB.
 * @throws CommandError if only some images are in subfolders, or labels do not fit.
 */
export async function openLabelledImages(path: string, reading: ImageReading): Promise<LabelledImages> {
  if ((await stat(path)).isDirectory()) return openClasses(path, reading);
  const set = await openImageArray(path);
  const labels = path.endsWith('.npz') ? await readLabels(path, set.count) : undefined;
  return { set, labels: labels ?? new Int32Array(set.count), classes: undefined };
}

/** The images that are left of a set, with the classes that they had in it. */
export function labelledSound(images: LabelledImages, { set, kept }: SoundImages): LabelledImages {
  return { ...images, set, labels: Int32Array.from(kept, (index) => images.labels[index] as number) };
}

async function openClasses(path: string, reading: ImageReading): Promise<LabelledImages> {
  // Reading all of ImageNet to tell it from others would take longer than starting again is worth.
  const set = await openImageFolder(path, { digest: 'sizes', reading });
  const names = Array.from({ length: set.count }, (_, i) => {
    const [folder, ...rest] = relative(path, set.nameOf(i)).split(/[/\\]/);
    return rest.length > 0 ? folder : undefined;
  });
  const alone = names.indexOf(undefined);
  if (alone < 0) {
    const classes = [...new Set(names as string[])].sort();
    const numbers = new Map(classes.map((name, number) => [name, number]));
    return { set, labels: Int32Array.from(names as string[], (name) => numbers.get(name) as number), classes };
  }
  if (names.every((name) => name === undefined)) return { set, labels: new Int32Array(set.count), classes: undefined };
  throw new CommandError(
    `expected each image of '${path}' in the folder of its class, or all without one, got '${set.nameOf(alone)}' beside ` +
      'folders. Move it into one.',
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
