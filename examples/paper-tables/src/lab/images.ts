import type { Stages } from '@dpar/example-kit';
import { type Emoji, encodeAll, type ImageSet, imageSize, loadEmoji, type Vendor } from '@dpar/example-kit/emoji';
import { fileDigest } from '@dpar/io/node';
import { type HostTensorOf, int32 } from '@dpar/tensor';
import type { ImageTokenizer } from '@dpar/tokenizer';
import { writeTokenSet } from '@dpar/train/node';
import sharp from 'sharp';
import { patchSize } from '../settings.js';
import { type Cache, digestOf } from './cache.js';

/** Images and their tokens. N images of S x S pixels, T tokens each. */
export interface TokenizedImages {
  readonly labels: Int32Array;
  readonly names: readonly string[];
  /** [N, S, S, 3], 0..255 */
  readonly pixels: Uint8Array;
  /** [N, T] */
  readonly tokens: HostTensorOf<'int32'>;
  /** Safetensors file with `tokens` and `labels`. */
  readonly path: string;
  /** Digest of the file's content. */
  readonly digest: string;
}

/** Images of one vendor at one resolution. */
export interface GridData {
  /** Tokens in a row, and rows. */
  readonly grid: number;
  readonly classes: readonly string[];
  readonly train: TokenizedImages;
  /** Emoji that no model is trained with, of any vendor. */
  readonly validation: TokenizedImages;
}

/** Emoji of both vendors as pixels and tokens, read on first use and kept in memory. */
export class EmojiData {
  private readonly emoji = new Map<Vendor, Promise<Emoji>>();
  private readonly grids = new Map<string, Promise<GridData>>();

  /** @param limit About how many emoji of a vendor are read; all if undefined. */
  constructor(
    private readonly tokenizer: ImageTokenizer,
    private readonly cache: Cache,
    private readonly stages: Stages,
    private readonly limit: number | undefined,
  ) {}

  /** Images of 64 x 64 pixels. */
  images(vendor: Vendor): Promise<Emoji> {
    return once(this.emoji, vendor, () =>
      this.stages.run(`Images (${vendor})`, 1, (progress) => loadEmoji(this.limit, progress, vendor)),
    );
  }

  /** Images at a resolution of 4 pixels a token, with their tokens. */
  at(vendor: Vendor, grid: number): Promise<GridData> {
    return once(this.grids, `${vendor}-${grid}`, async () => {
      const { classes, train, validation } = await this.images(vendor);
      return {
        grid,
        classes,
        train: await this.tokenize(vendor, grid, 'train', train),
        validation: await this.tokenize(vendor, grid, 'validation', validation),
      };
    });
  }

  private async tokenize(vendor: Vendor, grid: number, part: string, images: ImageSet): Promise<TokenizedImages> {
    const { labels, names } = images;
    const size = grid * patchSize;
    const pixels = await resizeAll(images.pixels, imageSize, size);
    const tokens = await encodeAll(this.tokenizer, pixels, size);
    const content = digestOf([Array.from(tokens.data), Array.from(labels)]);
    const path = await this.cache.place('tokens', `${vendor}-${grid}x${grid}-${part}-${content}.safetensors`);
    await writeTokenSet(path, { tokens, labels: int32([labels.length], labels) });
    return { labels, names, pixels, tokens, path, digest: await fileDigest(path) };
  }
}

function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** Resizes square images (Lanczos): [N, from, from, 3] -> [N, to, to, 3]. */
async function resizeAll(pixels: Uint8Array, from: number, to: number): Promise<Uint8Array> {
  if (from === to) return pixels;
  const raw = { width: from, height: from, channels: 3 } as const;
  const bytes = 3 * from * from;
  const resized = new Uint8Array((pixels.length / bytes) * 3 * to * to);
  for (let i = 0; i * bytes < pixels.length; i++) {
    const image = sharp(pixels.subarray(i * bytes, (i + 1) * bytes), { raw });
    const data = await image.resize(to, to, { fit: 'fill', kernel: 'lanczos3' }).raw().toBuffer();
    resized.set(data, i * 3 * to * to);
  }
  return resized;
}
