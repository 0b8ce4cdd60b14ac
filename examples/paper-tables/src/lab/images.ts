import { createRequire } from 'node:module';
import { fileDigest } from '@dpar/io/node';
import { type HostTensorOf, hostTensor, int32 } from '@dpar/tensor';
import { type ImageTokenizer, imagesFromBytes } from '@dpar/tokenizer';
import { writeTokenSet } from '@dpar/train/node';
import sharp from 'sharp';
import { type Emoji, type ImageSet, imageAt, imageSize, loadEmoji } from '../../../emoji/src/emoji.js';
import type { Stages } from '../../../emoji/src/progress.js';
import { patchSize } from '../settings.js';
import { type Cache, digestOf } from './cache.js';

/** Whose drawings of the emoji. */
export type Vendor = 'google' | 'twitter';

/** Some images and their tokens. N images of S x S pixels, T tokens each. */
export interface TokenizedImages {
  readonly labels: Int32Array;
  readonly names: readonly string[];
  /** [N, S, S, 3], 0..255 */
  readonly pixels: Uint8Array;
  /** [N, T] */
  readonly tokens: HostTensorOf<'int32'>;
  /** Safetensors file with `tokens` and `labels`. */
  readonly path: string;
  /** Of the file's content. */
  readonly digest: string;
}

/** Images of one vendor at one resolution. */
export interface GridData {
  readonly vendor: Vendor;
  /** Tokens in a row, and rows. */
  readonly grid: number;
  readonly classes: readonly string[];
  readonly train: TokenizedImages;
  /** Emoji that no model is trained with, whoever drew them. */
  readonly validation: TokenizedImages;
}

/** Emoji of both vendors as pixels and tokens, kept in memory once they were asked for. */
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

  /** Images of 64 x 64 pixels, as they come. */
  images(vendor: Vendor): Promise<Emoji> {
    return once(this.emoji, vendor, () => {
      const index = createRequire(import.meta.url).resolve(`emoji-datasource-${vendor}/emoji.json`);
      return this.stages.run(`Images (${vendor})`, 1, (progress) =>
        loadEmoji(this.limit, (done, total) => progress.update(done / total), { vendor, index }),
      );
    });
  }

  /** The images at a resolution of 4 pixels a token, as tokens. */
  at(vendor: Vendor, grid: number): Promise<GridData> {
    return once(this.grids, `${vendor}-${grid}`, async () => {
      const { classes, train, validation } = await this.images(vendor);
      return {
        vendor,
        grid,
        classes,
        train: await this.tokenize(vendor, grid, 'train', train),
        validation: await this.tokenize(vendor, grid, 'validation', validation),
      };
    });
  }

  private async tokenize(vendor: Vendor, grid: number, part: string, images: ImageSet): Promise<TokenizedImages> {
    const size = grid * patchSize;
    const { labels, names } = images;
    const pixels = await resizeAll(images.pixels, imageSize, size);
    const N = labels.length;
    const tokens = hostTensor('int32', [N, grid * grid]);
    const bytes = 3 * size * size;
    const chunk = 256;
    for (let start = 0; start < N; start += chunk) {
      const part = imagesFromBytes(pixels.subarray(start * bytes, (start + chunk) * bytes), size);
      tokens.data.set((await this.tokenizer.encode(part)).data, start * grid * grid);
    }
    const content = digestOf([Array.from(tokens.data), Array.from(labels)]);
    const path = await this.cache.place('tokens', `${vendor}-${grid}x${grid}-${part}-${content}.safetensors`);
    await writeTokenSet(path, { tokens, labels: int32([N], labels) });
    return { labels, names, pixels, tokens, path, digest: await fileDigest(path) };
  }
}

function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** Square images at another size (Lanczos): [N, from, from, 3] -> [N, to, to, 3]. */
export async function resizeAll(pixels: Uint8Array, from: number, to: number): Promise<Uint8Array> {
  if (from === to) return pixels;
  const bytes = 3 * from * from;
  const count = pixels.length / bytes;
  const resized = new Uint8Array(count * 3 * to * to);
  for (let i = 0; i < count; i++) {
    const image = from === imageSize ? imageAt(pixels, i) : pixels.subarray(i * bytes, (i + 1) * bytes);
    const raw = { width: from, height: from, channels: 3 } as const;
    const data = await sharp(image, { raw }).resize(to, to, { fit: 'fill', kernel: 'lanczos3' }).raw().toBuffer();
    resized.set(data, i * 3 * to * to);
  }
  return resized;
}
