import { basename, join } from 'node:path';
import { openNpz, parseJsonObject, readSettings } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { sampleSettingsFile } from './image-folder.js';
import type { StoredImageSet } from './stored-image-set.js';

/** Name of the array of a part of a batch that says which images of its run it holds. */
export const partArray = 'part';

/** What a part of a run says of itself. */
export interface SampleRun {
  /** Where it stands. */
  readonly path: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Number in the run of each image of the part. */
  readonly numberOf: (index: number) => number;
  /** Number of images of the run, if it is known. */
  readonly total?: number;
}

/** A set to be merged. */
export interface MergePart {
  readonly set: StoredImageSet;
  readonly run?: SampleRun;
  /** The label of each image, if the part has labels. */
  readonly labels?: (index: number) => bigint;
}

/** The bytes of the array with which a part of a batch says which images of its run it holds: JSON in UTF-8. */
export function formatPart(first: number, total: number, settings: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ first, total, settings }));
}

/** Reads what a set says of itself as a part of a run. @throws DparError if that is damaged. */
export async function readMergePart(set: StoredImageSet): Promise<MergePart> {
  return set.path.endsWith('.npz') ? readBatch(set) : readFolder(set);
}

/** `000012.png` in a folder with `sample.json` is image 12 of a run, whose classes the images have in turn. */
async function readFolder(set: StoredImageSet): Promise<MergePart> {
  const path = join(set.path, sampleSettingsFile);
  const settings = await readSettings(path);
  if (settings === undefined) return { set };
  const numbers = Array.from({ length: set.count }, (_, i) => {
    const [, digits] = /^(\d{6,})\.png$/.exec(basename(set.nameOf(i))) ?? [];
    if (digits !== undefined) return Number(digits);
    throw new DparError(
      `mergeImages: expected images of dpar sample such as 000012.png beside '${path}', got '${set.nameOf(i)}'. Move it away.`,
    );
  });
  const numberOf = (index: number): number => numbers[index] as number;
  const classes = String(settings.classes ?? '')
    .match(/^\d+(,\d+)*$/)?.[0]
    .split(',')
    .map(BigInt);
  return {
    set,
    run: { path, settings, numberOf },
    ...(classes && { labels: (index) => classes[numberOf(index) % classes.length] as bigint }),
  };
}

async function readBatch(set: StoredImageSet): Promise<MergePart> {
  const file = await openNpz(set.path);
  try {
    const labels = await file.arrays.get('arr_1')?.read();
    if (labels !== undefined && (labels.dtype !== 'I64' || labels.shape.join() !== String(set.count))) {
      throw new DparError(
        `mergeImages: expected labels I64[${set.count}] as arr_1 in '${set.path}', ` +
          `got ${labels.dtype}[${labels.shape.join(', ')}]. Write them again.`,
      );
    }
    const view = labels && new DataView(labels.bytes.buffer, labels.bytes.byteOffset, labels.bytes.length);
    const part = await file.arrays.get(partArray)?.read();
    const run = part && readRun(set, part.bytes);
    return { set, ...(run && { run }), ...(view && { labels: (index) => view.getBigInt64(8 * index, true) }) };
  } finally {
    await file.close();
  }
}

function readRun({ path, count }: StoredImageSet, bytes: Uint8Array): SampleRun {
  const { first, total, settings } = parseJsonObject('mergeImages', `'${partArray}' of '${path}'`, bytes);
  const fits =
    Number.isSafeInteger(first) && Number.isSafeInteger(total) && typeof settings === 'object' && settings !== null;
  if (!fits || !((first as number) >= 0 && (first as number) + count <= (total as number))) {
    throw new DparError(
      `mergeImages: expected to read which images '${path}' holds, got something else. Make it again.`,
    );
  }
  return {
    path,
    settings: settings as SampleRun['settings'],
    total: total as number,
    numberOf: (index) => (first as number) + index,
  };
}
