import { int32 } from '@dpar/tensor';
import { bytesFromImages, type ImageTokenizer } from '@dpar/tokenizer';
import type { SquareImages } from './grid.js';

/** Decodes tokens to images and measures the time. */
export class ImageDecoder {
  private total = 0;

  /** @param tokensPerImage Tokens of an image, a square number T. */
  constructor(
    private readonly tokenizer: ImageTokenizer,
    private readonly tokensPerImage: number,
  ) {}

  /** Width and height of the images in pixels, S. */
  get imageSize(): number {
    return Math.round(Math.sqrt(this.tokensPerImage)) * this.tokenizer.factor;
  }

  /** Total time of decoding, in seconds. */
  get seconds(): number {
    return this.total;
  }

  /** Decodes images. @param tokens [count, T] */
  async decode(tokens: Int32Array, count: number): Promise<SquareImages> {
    const begun = performance.now();
    const decoded = await this.tokenizer.decode(int32([count, tokens.length / count], tokens));
    const images = { data: bytesFromImages(decoded), size: this.imageSize };
    this.total += (performance.now() - begun) / 1000;
    return images;
  }
}
