import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { openImageArray, openImageFolder, type StoredImageSet } from '@dpar/images/node';
import { type ChunkedTensor, compareCodePoints, npzChunks } from '@dpar/io';
import { isSystemEntry, writeFileAtomic } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type MergePart, orderImages, type PlacedImages, readMergePart } from './merge-part.js';

/** Options of {@link mergeImages}. */
export interface MergeOptions {
  /** Number of images that the result must have (default: that of the run, or of all parts). */
  readonly count?: number | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const mergeOptionsKinds: KindsOf<MergeOptions> = {
  'count?': 'number',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
};

/** Result of {@link mergeImages}. */
export interface MergedImages {
  readonly images: number;
  readonly width: number;
  readonly height: number;
  readonly labels: boolean;
  /** Files of folders that are not images. */
  readonly ignored: readonly string[];
}

/**
 * Merges shards of a run of `dpar sample`, or any sets of images of one size, into one ADM sample batch: `arr_0` uint8
 * [N, H, W, 3] and, if all parts have labels, `arr_1` int64 [N]. Parts are folders of images, `.npz` batches, or folders of
 * batches. Shards of a run are sorted by their records. Other parts follow one another in the order of the paths.
 *
 * The file is written atomically, and the same parts give the same bytes. Memory: a few images.
 *
 * @throws DparError or IoError that names missing images, shards that overlap, damaged images or an image of another size.
 */
export async function mergeImages(
  paths: readonly string[],
  output: string,
  options: MergeOptions = {},
): Promise<MergedImages> {
  checkArguments(
    'mergeImages',
    { paths, output, options },
    { paths: 'string[]', output: 'string', 'options?': mergeOptionsKinds },
  );
  const { count, onProgress, signal } = options;
  const parts = await openParts(paths, output);
  const { total, placed } = await orderImages(parts, count);
  const [first] = placed;
  if (first === undefined) throw new DparError('mergeImages: expected images, got none. Pass other paths.');
  const { width, height } = await sizeOf(first);
  const onImage = (done: number): void => {
    signal?.throwIfAborted();
    onProgress?.(done, total);
  };
  const pixels = pixelsOf(placed, { width, height, name: nameOf(first, 0) }, onImage);
  const labels = labelsOf(placed, total);
  const arrays: Record<string, ChunkedTensor> = {
    arr_0: { dtype: 'U8', shape: [total, height, width, 3], chunks: pixels },
    ...(labels && { arr_1: { dtype: 'I64', shape: [total], chunks: [new Uint8Array(labels.buffer)] } }),
  };
  await writeFileAtomic(output, npzChunks(arrays));
  const ignored = parts.flatMap(({ set }) => set.ignored.map((path) => join(set.path, path)));
  return {
    images: total,
    width,
    height,
    labels: labels !== undefined,
    ignored: ignored.filter((path) => resolve(path) !== resolve(output)),
  };
}

async function openParts(paths: readonly string[], output: string): Promise<MergePart[]> {
  const files = (await Promise.all(paths.map((path) => expand(path, output)))).flat();
  const twice = files.find((path, i) => files.findIndex((other) => resolve(other) === resolve(path)) !== i);
  if (twice !== undefined) {
    throw new DparError(`mergeImages: expected each part once, got '${twice}' twice. Leave one out.`);
  }
  const parts: MergePart[] = [];
  for (const path of files) parts.push(await readMergePart(await openImages(path)));
  const others = parts.filter(({ shards }) => shards === undefined);
  if (others.length > 0 && others.length < parts.length) {
    throw new DparError(
      `mergeImages: expected parts of one run, got '${others[0]?.set.path}', which has no record of its images. ` +
        'Merge it separately.',
    );
  }
  return parts;
}

async function openImages(path: string): Promise<StoredImageSet> {
  return (await stat(path)).isDirectory() ? openImageFolder(path) : openImageArray(path);
}

/** Lists the batches in a folder of batches, without the output; for other paths the path itself. */
async function expand(path: string, output: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => !isSystemEntry(name)).sort(compareCodePoints);
  const batches = names.filter((name) => name.endsWith('.npz')).map((name) => join(path, name));
  const others = batches.filter((batch) => resolve(batch) !== resolve(output));
  return others.length > 0 && batches.length === names.length ? others : [path];
}

function nameOf({ part, first }: PlacedImages, index: number): string {
  return part.set.nameOf(first + index);
}

async function sizeOf({ part, first }: PlacedImages): Promise<{ width: number; height: number }> {
  for await (const { width, height } of part.set.read(first, 1)) return { width, height };
  throw new DparError(`mergeImages: expected images in '${part.set.path}', got none. Check the path.`);
}

/** Reads all images in order. @throws DparError that names an image of another size than the first. */
async function* pixelsOf(
  placed: readonly PlacedImages[],
  like: { readonly width: number; readonly height: number; readonly name: string },
  onImage: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for (const images of placed) {
    let index = 0;
    for await (const { width, height, data } of images.part.set.read(images.first, images.count)) {
      if (width !== like.width || height !== like.height) {
        throw new DparError(
          `mergeImages: expected images of ${like.width} x ${like.height} pixels as ${like.name}, ` +
            `got ${width} x ${height} in ${nameOf(images, index)}. Leave it out, or make all of one size.`,
        );
      }
      yield data;
      index++;
      onImage(++done);
    }
  }
}

function labelsOf(placed: readonly PlacedImages[], total: number): BigInt64Array | undefined {
  const labels = new BigInt64Array(total);
  let at = 0;
  let unlabelled: string | undefined;
  let labelled: string | undefined;
  for (const { part, first, count } of placed) {
    if (part.labels === undefined) unlabelled = part.set.path;
    else labelled = part.set.path;
    for (let i = 0; i < count; i++) labels[at++] = part.labels?.(first + i) ?? 0n;
  }
  if (labelled !== undefined && unlabelled !== undefined) {
    throw new DparError(
      `mergeImages: expected labels in all parts or in none, got some in '${basename(labelled)}' and none in ` +
        `'${unlabelled}'. Merge them separately.`,
    );
  }
  return labelled === undefined ? undefined : labels;
}
