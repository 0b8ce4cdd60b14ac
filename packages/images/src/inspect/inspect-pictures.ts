import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { compareCodePoints } from '@dpar/io';
import { availableThreads } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { loadAhead } from '../load-ahead.js';
import { listImages } from '../sets/list-folder.js';
import { openPictureThreads } from '../threads/picture-threads.js';
import type { FoundPicture } from './find-facts.js';

/** Options of {@link inspectPictures}. */
export interface InspectOptions {
  /** Threads that read the files. Default: `availableThreads()`. */
  readonly threads?: number | undefined;
  /** Pictures whose shorter side is below this number of pixels are counted as small. Default: 64. */
  readonly size?: number | undefined;
  /**
   * True: decodes all pixels, which finds damage in the middle of a file. By default the headers are read, and pixels only where
   * opacity or a missing end of the file calls for it.
   */
  readonly pixels?: boolean | undefined;
  /** Called after each group of files. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const inspectOptionsKinds: KindsOf<InspectOptions> = {
  'threads?': 'number',
  'size?': 'number',
  'pixels?': 'boolean',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
};

/** A name with a number of pictures. */
export interface PictureCount {
  readonly name: string;
  readonly count: number;
}

/** Distribution of lengths in pixels. All are 0 if no picture is readable. */
export interface LengthSpread {
  /** In pixels. */
  readonly smallest: number;
  /** In pixels. */
  readonly lowerQuartile: number;
  /** In pixels. */
  readonly median: number;
  /** In pixels. */
  readonly upperQuartile: number;
  /** In pixels. */
  readonly largest: number;
}

/** Result of the inspection of a folder. Paths are relative to it, with slashes, in the order of their code points. */
export interface PictureInspection {
  readonly folder: string;
  /** Number of image files, readable or not. */
  readonly count: number;
  /** Number of readable pictures. All numbers and distributions below are of them. */
  readonly readable: number;
  /** Size of all image files. */
  readonly bytes: number;
  /**
   * Direct subfolders with their numbers of readable pictures, in the order of the class numbers that `dpar tokenize` gives. Empty
   * if all pictures lie in the folder itself.
   */
  readonly classes: readonly PictureCount[];
  /** Readable pictures in the folder itself, so without a class. */
  readonly withoutClass: number;
  /** Formats such as `JPEG`, most frequent first. */
  readonly formats: readonly PictureCount[];
  /** Upright widths, heights and shorter sides. */
  readonly widths: LengthSpread;
  readonly heights: LengthSpread;
  readonly shorterSides: LengthSpread;
  /** Pictures whose shorter side is below `size`. They are enlarged when they are cropped to it. */
  readonly small: number;
  /** Pictures with a pixel that is not opaque. */
  readonly transparent: number;
  /** Pictures that their EXIF orientation turns or mirrors. */
  readonly turned: number;
  /** Files that cannot be read, and why. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
  /** Groups of readable files with the same bytes. */
  readonly duplicates: readonly (readonly string[])[];
  /** Files that are not images, and entries of the system. */
  readonly ignored: readonly string[];
}

/** Files of one request to a thread. */
const filesAtATime = 16;

/**
 * Inspects all pictures of a folder and its subfolders.
 * @throws DparError if the folder holds no images, or `sharp` is needed and missing; the signal's reason when it is aborted. See also
 * `openImageFolder`.
 */
export async function inspectPictures(folder: string, options: InspectOptions = {}): Promise<PictureInspection> {
  checkArguments('inspectPictures', { folder, options }, { folder: 'string', 'options?': inspectOptionsKinds });
  const { threads: count = availableThreads(), size = 64, pixels = false, onProgress, signal } = options;
  const { images, folders, ignored } = await listImages('inspectPictures', folder);
  const sizes = countBy(images, ({ bytes }) => bytes);
  const collector = new FactCollector(size);
  const threads = openPictureThreads(count);
  try {
    const groups = Math.ceil(images.length / filesAtATime);
    const found = loadAhead(groups, 2 * count, (group) => {
      const files = images.slice(group * filesAtATime, (group + 1) * filesAtATime);
      return threads.run('facts', {
        files: files.map(({ path, bytes }) => ({ path: join(folder, path), digest: (sizes.get(bytes) ?? 0) > 1 })),
        pixels,
      });
    });
    let done = 0;
    for await (const group of found) {
      signal?.throwIfAborted();
      for (const picture of group) collector.add(images[done++]?.path ?? '', picture);
      onProgress?.(done, images.length);
    }
  } finally {
    await threads.close();
  }
  const inClasses = collector.perFolder.size > (collector.perFolder.has('') ? 1 : 0);
  return {
    folder,
    count: images.length,
    readable: collector.readable,
    bytes: images.reduce((sum, { bytes }) => sum + bytes, 0),
    classes: inClasses ? folders.map((name) => ({ name, count: collector.perFolder.get(name) ?? 0 })) : [],
    withoutClass: collector.perFolder.get('') ?? 0,
    ...collector.result(),
    ignored,
  };
}

/** Collects the facts of the pictures of a folder. */
class FactCollector {
  /** Readable pictures by the direct subfolder; '' for those without. */
  readonly perFolder = new Map<string, number>();
  readable = 0;
  private readonly widths: number[] = [];
  private readonly heights: number[] = [];
  private readonly formats = new Map<string, number>();
  private readonly damaged: { path: string; reason: string }[] = [];
  private readonly byDigest = new Map<string, string[]>();
  private transparent = 0;
  private turned = 0;

  constructor(private readonly size: number) {}

  add(path: string, { facts, damage, digest }: FoundPicture): void {
    if (facts === undefined) {
      this.damaged.push({ path, reason: damage ?? '' });
      return;
    }
    this.readable++;
    const folder = /^(.+?)\//.exec(path)?.[1] ?? '';
    this.perFolder.set(folder, (this.perFolder.get(folder) ?? 0) + 1);
    this.formats.set(facts.format, (this.formats.get(facts.format) ?? 0) + 1);
    this.widths.push(facts.width);
    this.heights.push(facts.height);
    if (facts.isTransparent) this.transparent++;
    if (facts.isTurned) this.turned++;
    if (digest === undefined) return;
    const same = this.byDigest.get(digest);
    if (same) same.push(path);
    else this.byDigest.set(digest, [path]);
  }

  result() {
    const shorter = this.widths.map((width, i) => Math.min(width, this.heights[i] as number));
    return {
      formats: [...this.formats]
        .map(([name, count]) => ({ name, count }))
        .sort((a, b) => b.count - a.count || compareCodePoints(a.name, b.name)),
      widths: spreadOf(this.widths),
      heights: spreadOf(this.heights),
      shorterSides: spreadOf(shorter),
      small: shorter.filter((side) => side < this.size).length,
      transparent: this.transparent,
      turned: this.turned,
      damaged: this.damaged,
      duplicates: [...this.byDigest.values()].filter(({ length }) => length > 1),
    };
  }
}

function countBy<V, K>(values: readonly V[], keyOf: (value: V) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const value of values) counts.set(keyOf(value), (counts.get(keyOf(value)) ?? 0) + 1);
  return counts;
}

function spreadOf(lengths: readonly number[]): LengthSpread {
  const sorted = Float64Array.from(lengths).sort();
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return { smallest: at(0), lowerQuartile: at(0.25), median: at(0.5), upperQuartile: at(0.75), largest: at(1) };
}
