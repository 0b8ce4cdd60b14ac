import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { formatDigest } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { checkBackground } from '../image-set.js';
import { listImages } from '../sets/list-folder.js';
import type { ImageFile } from '../sets/stored-image-set.js';
import { builtWorker, openPictureThreads, type PictureThreads, usualThreads } from '../threads/picture-threads.js';
import { BatchQueue } from './batch-queue.js';
import { EpochOrder } from './epoch-order.js';
import { splitPictures } from './split-pictures.js';
import type { TrainingCrop } from './training-crop.js';

/** A picture that cannot be read, and why. */
export interface DamagedPicture {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  readonly reason: string;
}

/** Options of {@link openImageSource}. */
export interface ImageSourceOptions {
  /** Width and height of the squares in pixels, S. */
  readonly size: number;
  /** Pictures in a batch, B. */
  readonly batchSize: number;
  /** Seed of the order, the random squares and the mirroring. Default: 0. */
  readonly seed?: number | undefined;
  /** Default: `center`. */
  readonly crop?: TrainingCrop['crop'] | undefined;
  /** Default: 0.8 to 1, as ADM and LlamaGen. */
  readonly scales?: TrainingCrop['scales'] | undefined;
  /** Default: false. */
  readonly flip?: boolean | undefined;
  /** Default: white. */
  readonly background?: TrainingCrop['background'] | undefined;
  /** Share of the pictures that {@link splitPictures} holds out. Default: 0. */
  readonly validationShare?: number | undefined;
  /** Part of the pictures that the source reads. Default: `training`, which is all of them without a validation share. */
  readonly part?: 'training' | 'validation' | undefined;
  /** False: each epoch has the order of the paths by code point. Default: true, a new random order in each epoch. */
  readonly shuffle?: boolean | undefined;
  /** Threads that decode. Default: half of `availableThreads()`, from 1 to 8. */
  readonly threads?: number | undefined;
  /** Batches that are made ahead of the one that is taken. Default: 4. */
  readonly ahead?: number | undefined;
  /**
   * Memory for pictures that are reduced to about their size in training, so that later epochs do not decode them again. Pictures
   * beyond are decoded in each epoch. Default: 2^29 bytes, for example 43,000 squares of 64 pixels.
   */
  readonly keptBytes?: number | undefined;
  /** Called once for each picture that cannot be read, when a batch first meets it. */
  readonly onDamaged?: ((picture: DamagedPicture) => void) | undefined;
}

const imageSourceOptionsKinds: KindsOf<ImageSourceOptions> = {
  size: 'number',
  batchSize: 'number',
  'seed?': 'number',
  'crop?': "'center' | 'random' | 'fit'",
  'scales?': 'number[]',
  'flip?': 'boolean',
  'background?': 'number[]',
  'validationShare?': 'number',
  'part?': "'training' | 'validation'",
  'shuffle?': 'boolean',
  'threads?': 'number',
  'ahead?': 'number',
  'keptBytes?': 'number',
  'onDamaged?': 'function',
};

/** Squares of B pictures. */
export interface ImageBatch {
  /** Numbers of the pictures, int32 [B]. */
  readonly images: Int32Array;
  /** Red, green and blue, uint8 [B, S, S, 3]. `imagesFromBytes` of `@dpar/tokenizer` makes the input of a model of them. */
  readonly pixels: Uint8Array;
}

/** Batches of training images, made from the pictures of a folder. */
export interface ImageSource {
  readonly folder: string;
  /** Number of pictures, N. */
  readonly images: number;
  /** Digest of the names and sizes of the files, to tell whether a run resumes with the same pictures. */
  readonly identity: string;
  /** Pictures that could not be read so far. */
  readonly damaged: readonly DamagedPicture[];
  /** Path of a picture relative to the folder, with slashes. */
  pathOf(image: number): string;
  /** Epoch of the first picture of a step, both counted from 0. */
  epochOf(step: number): number;
  /**
   * Batch of a step, counted from 0: a function of the pictures, the options and the step only. Steps may be taken in any order;
   * the steps after the last taken one are made ahead. Time spent waiting for the result is time in which decoding is too slow.
   * @throws DparError if more than half of the pictures cannot be read, `sharp` is needed and missing, or the source is closed.
   */
  batch(step: number): Promise<ImageBatch>;
  /** Ends the threads. Open batches fail. */
  close(): Promise<void>;
}

/**
 * Opens the pictures of a folder and its subfolders as a source of training images. Threads decode, turn upright, put on the
 * background, crop, resize and mirror them. Squares of `center` and `fit` have the bytes that `dpar tokenize` reads.
 *
 * A picture that cannot be read is replaced by the next readable one in the order of the epoch.
 *
 * @param worker Program of the threads; `undefined` to decode in this thread. Default: that of the built package.
 * @throws DparError if the folder holds no images, an option is out of range, or the part has no pictures. See also
 * `openImageFolder`.
 */
export async function openImageSource(
  folder: string,
  options: ImageSourceOptions,
  worker = builtWorker,
): Promise<ImageSource> {
  checkArguments(
    'openImageSource',
    { folder, options, worker },
    { folder: 'string', options: imageSourceOptionsKinds, 'worker?': 'object' },
  );
  checkOptions(options);
  const { validationShare = 0, part = 'training', threads = usualThreads() } = options;
  const listing = await listImages('openImageSource', folder);
  const split = splitPictures(
    listing.images.map(({ path }) => path),
    validationShare,
  );
  const files = split[part].map((index) => listing.images[index] as ImageFile);
  if (files.length === 0) {
    throw new DparError(
      `openImageSource: expected ${part} pictures in '${folder}', got none of ${listing.images.length} with a validation share of ` +
        `${validationShare}. ${part === 'validation' ? 'Raise the share, or add pictures.' : 'Add pictures.'}`,
    );
  }
  return new FolderSource(folder, files, options, openPictureThreads(threads, worker));
}

class FolderSource implements ImageSource {
  readonly images: number;
  readonly identity: string;
  readonly damaged: DamagedPicture[] = [];
  private readonly paths: readonly string[];
  private readonly order: EpochOrder;
  private readonly crop: TrainingCrop;
  private readonly batches: BatchQueue<ImageBatch>;
  private readonly unreadable = new Set<number>();

  constructor(
    readonly folder: string,
    files: readonly ImageFile[],
    private readonly options: ImageSourceOptions,
    private readonly threads: PictureThreads,
  ) {
    const { size, crop = 'center', scales = [0.8, 1], flip = false, seed = 0 } = options;
    const { background = [255, 255, 255], shuffle = true, ahead = 4 } = options;
    this.crop = { size, crop, scales, flip, background, seed };
    this.paths = files.map(({ path }) => path);
    this.images = files.length;
    const hash = createHash('sha256');
    for (const { path, bytes } of files) hash.update(`${JSON.stringify(path)}\n${bytes}\n`);
    this.identity = formatDigest(hash);
    this.order = new EpochOrder(files.length, seed, { shuffle });
    this.batches = new BatchQueue((step) => this.load(step), ahead, Number.POSITIVE_INFINITY);
  }

  pathOf(image: number): string {
    checkArguments('pathOf', { image }, { image: 'number' });
    const path = this.paths[image];
    if (path !== undefined) return path;
    throw new DparError(
      `pathOf: expected a picture from 0 to ${this.images - 1}, got ${image}. Use pictures of the source.`,
    );
  }

  epochOf(step: number): number {
    checkStep('epochOf', step);
    return Math.floor((step * this.options.batchSize) / this.images);
  }

  batch(step: number): Promise<ImageBatch> {
    checkStep('batch', step);
    return this.batches.take(step);
  }

  close(): Promise<void> {
    return this.threads.close();
  }

  private async load(step: number): Promise<ImageBatch> {
    const { batchSize } = this.options;
    const { images, epochs } = this.order.visits(step * batchSize, batchSize);
    const bytes = 3 * this.crop.size ** 2;
    const pixels = new Uint8Array(batchSize * bytes);
    let open = Array.from(images.keys());
    while (open.length > 0) {
      for (const place of open) images[place] = this.readableFrom(images[place] as number, epochs[place] as number);
      open = (
        await Promise.all(this.byThread(open, images).map((places) => this.fill(places, images, epochs, pixels)))
      ).flat();
    }
    return { images, pixels };
  }

  /** A picture, or else the next one in the order of the epoch that is not known to be unreadable. */
  private readableFrom(image: number, epoch: number): number {
    if (!this.unreadable.has(image)) return image;
    const permutation = this.order.permutation(epoch);
    let place = permutation.indexOf(image);
    while (this.unreadable.has(permutation[place] as number)) place = (place + 1) % this.images;
    return permutation[place] as number;
  }

  /** Divides places of a batch among the threads. A picture always goes to the same thread, which may have kept it. */
  private byThread(places: readonly number[], images: Int32Array): number[][] {
    const groups = Array.from({ length: this.threads.count }, (): number[] => []);
    for (const place of places) groups[(images[place] as number) % this.threads.count]?.push(place);
    return groups.filter((group) => group.length > 0);
  }

  /** Fills places of a batch. @returns Places whose picture cannot be read. */
  private async fill(
    places: readonly number[],
    images: Int32Array,
    epochs: Int32Array,
    pixels: Uint8Array,
  ): Promise<number[]> {
    const { count } = this.threads;
    const { keptBytes = 2 ** 29 } = this.options;
    const pictures = places.map((place) => {
      const image = images[place] as number;
      return { path: join(this.folder, this.paths[image] as string), image, epoch: epochs[place] as number };
    });
    const request = { crop: this.crop, pictures, keptBytes: Math.floor(keptBytes / count) };
    const thread = (images[places[0] as number] as number) % count;
    const { pixels: squares, damaged } = await this.threads.run('training', request, thread);
    const bytes = squares.length / places.length;
    for (const [i, place] of places.entries()) pixels.set(squares.subarray(i * bytes, (i + 1) * bytes), place * bytes);
    return damaged.map(({ at, reason }) => {
      this.leaveOut(images[places[at] as number] as number, reason);
      return places[at] as number;
    });
  }

  private leaveOut(image: number, reason: string): void {
    if (this.unreadable.has(image)) return;
    this.unreadable.add(image);
    const picture = { path: this.paths[image] as string, reason };
    this.damaged.push(picture);
    this.options.onDamaged?.(picture);
    if (2 * this.damaged.length <= this.images) return;
    throw new DparError(
      `openImageSource: expected readable pictures in '${this.folder}', got ${this.damaged.length} of ${this.images} that cannot be ` +
        `read, such as '${picture.path}' (${reason}). Check the folder.`,
    );
  }
}

function checkStep(caller: string, step: number): void {
  checkArguments(caller, { step }, { step: 'number' });
  if (Number.isInteger(step) && step >= 0) return;
  throw new DparError(`${caller}: expected a step from 0, got ${step}. Count steps from 0.`);
}

/** @throws DparError for an option out of its range. */
function checkOptions(options: ImageSourceOptions): void {
  const { size, batchSize, scales = [0.8, 1], background, ahead = 4, keptBytes = 0 } = options;
  for (const [name, value, least] of [
    ['size', size, 1],
    ['batchSize', batchSize, 1],
    ['ahead', ahead, 0],
    ['keptBytes', keptBytes, 0],
  ] as const) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new DparError(
      `openImageSource: expected '${name}' to be a whole number from ${least}, got ${value}. Correct it.`,
    );
  }
  const [smallest, largest] = scales;
  if (!(scales.length === 2 && smallest > 0 && smallest <= largest && largest <= 1)) {
    throw new DparError(
      `openImageSource: expected 'scales' to be two ascending numbers above 0 and up to 1, got [${Array.from<number>(scales).join(', ')}]. ` +
        'Pass the smallest and the largest scale, such as [0.8, 1].',
    );
  }
  checkBackground('openImageSource', background === undefined ? {} : { background });
}
