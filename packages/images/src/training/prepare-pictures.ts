import { readFile } from 'node:fs/promises';
import { decodeImage } from '../decode/decode-image.js';
import type { RgbImage } from '../image-set.js';
import { damageOf } from '../inspect/picture-facts.js';
import { loadAhead } from '../load-ahead.js';
import { reducePicture, squareOfEpoch, type TrainingCrop } from './training-crop.js';

/** Pictures of a batch that one thread prepares. */
export interface TrainingRequest {
  readonly crop: TrainingCrop;
  readonly pictures: readonly {
    readonly path: string;
    /** Number of the picture in its set. */
    readonly image: number;
    readonly epoch: number;
  }[];
  /** Bytes of reduced pictures that this thread may keep. */
  readonly keptBytes: number;
}

/** Squares of pictures. */
export interface TrainingSquares {
  /** uint8 [n, S, S, 3]. Squares of damaged pictures are 0. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** Places of pictures that cannot be read, and why. */
  readonly damaged: readonly { readonly at: number; readonly reason: string }[];
}

/** Reduced pictures by their paths, up to a number of bytes. Nothing is replaced: in each epoch all pictures come once. */
export class KeptPictures {
  private readonly pictures = new Map<string, RgbImage>();
  private bytes = 0;

  get(path: string): RgbImage | undefined {
    return this.pictures.get(path);
  }

  keep(path: string, picture: RgbImage, mostBytes: number): void {
    if (this.bytes + picture.data.length > mostBytes) return;
    this.bytes += picture.data.length;
    this.pictures.set(path, picture);
  }
}

/** Decodes, crops and resizes pictures for a batch. @throws MissingSharpError */
export async function preparePictures(
  { crop, pictures, keptBytes }: TrainingRequest,
  kept: KeptPictures,
): Promise<TrainingSquares> {
  const bytes = 3 * crop.size ** 2;
  const pixels = new Uint8Array(pictures.length * bytes);
  const damaged: { at: number; reason: string }[] = [];
  // Files are read ahead of the decoder.
  const loaded = loadAhead(pictures.length, 2, async (i) => {
    const path = pictures[i]?.path ?? '';
    return kept.get(path) ?? readFile(path).catch((error: unknown) => damageOf(error));
  });
  let at = 0;
  for await (const found of loaded) {
    const { path = '', image = 0, epoch = 0 } = pictures[at] ?? {};
    const reduced = typeof found === 'string' ? found : await reducedOf(path, found, crop).catch(damageOf);
    if (typeof reduced === 'string') damaged.push({ at, reason: reduced });
    else {
      if (reduced !== found) kept.keep(path, reduced, keptBytes);
      pixels.set(squareOfEpoch(reduced, crop, epoch, image).data, at * bytes);
    }
    at++;
  }
  return { pixels, damaged };
}

async function reducedOf(path: string, found: Buffer | RgbImage, crop: TrainingCrop): Promise<RgbImage> {
  if (!Buffer.isBuffer(found)) return found;
  return reducePicture(await decodeImage(path, found, { background: crop.background }), crop);
}
