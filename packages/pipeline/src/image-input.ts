import { centerSquare, type RgbImage } from '@dpar/images';
import { DparError } from '@dpar/tensor';
import { Images } from './images.js';
import type { PixelData } from './pixel-data.js';

/** Pixels of one image: RGBA as in `ImageData`, or RGB. Which of them follows from the length. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** Bytes [height, width, 4] or [height, width, 3]. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * Images that a pipeline reads anywhere: pixels, an image file such as a PNG as bytes or `Blob`, or images of a pipeline.
 */
export type ImageInput = RawImage | PixelData | Uint8Array | Blob | Images;

/** Decodes an image file, given by its bytes or as S. */
export type DecodeFile<S> = (input: Uint8Array | Exclude<S, RawImage | PixelData | Blob | Images>) => Promise<RawImage>;

/**
 * Reads images as squares of a model: the middle of each, scaled to its size as `dpar tokenize` does.
 * @param caller Function that errors name.
 * @param size Width and height in pixels of the images of the model.
 * @throws DparError for what is no image.
 */
export async function readSquares<S>(
  caller: string,
  inputs: readonly (S | ImageInput)[],
  size: number,
  decode: DecodeFile<S>,
): Promise<RgbImage[]> {
  const squares: RgbImage[] = [];
  for (const input of inputs) {
    if (input instanceof Images) squares.push(...imagesOf(input));
    else if (isRaw(input)) squares.push(rgbOf(caller, input));
    else if (input instanceof Blob)
      squares.push(rgbOf(caller, await decode(new Uint8Array(await input.arrayBuffer()))));
    else squares.push(rgbOf(caller, await decode(input as Parameters<DecodeFile<S>>[0])));
  }
  return squares.map((image) => (image.width === size && image.height === size ? image : centerSquare(image, size)));
}

function imagesOf({ count, width, height, bytes }: Images): RgbImage[] {
  const length = 3 * width * height;
  return Array.from({ length: count }, (_, i) => ({
    width,
    height,
    data: bytes.subarray(i * length, (i + 1) * length),
  }));
}

function isRaw(input: unknown): input is RawImage {
  return typeof input === 'object' && input !== null && 'width' in input && 'height' in input && 'data' in input;
}

/** The image in RGB, where transparent pixels are on white. @throws DparError if the bytes do not fit the size. */
function rgbOf(caller: string, { width, height, data }: RawImage): RgbImage {
  const pixels = width * height;
  const channels = data.length / pixels;
  if (!(pixels > 0) || (channels !== 3 && channels !== 4)) {
    throw new DparError(
      `${caller}: expected an image of ${width} x ${height} pixels with 3 or 4 bytes each, got ${data.length} bytes. ` +
        'Pass whole images.',
    );
  }
  if (channels === 3) return { width, height, data: Uint8Array.from(data) };
  const rgb = new Uint8Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    const opacity = data[4 * i + 3] as number;
    for (let channel = 0; channel < 3; channel++) {
      const value = data[4 * i + channel] as number;
      rgb[3 * i + channel] = Math.round((value * opacity + 255 * (255 - opacity)) / 255);
    }
  }
  return { width, height, data: rgb };
}

interface BrowserImages {
  createImageBitmap?(blob: Blob): Promise<{ readonly width: number; readonly height: number; close(): void }>;
  readonly OffscreenCanvas?: new (
    width: number,
    height: number,
  ) => {
    getContext(kind: '2d'): {
      drawImage(image: object, x: number, y: number): void;
      getImageData(x: number, y: number, width: number, height: number): PixelData;
    };
  };
}

/** Decodes an image file as browsers do, in any format that they show. @throws DparError if the file is no image. */
export async function decodeInBrowser(bytes: Uint8Array): Promise<RawImage> {
  const { createImageBitmap, OffscreenCanvas } = globalThis as BrowserImages;
  if (!ArrayBuffer.isView(bytes)) {
    throw new DparError(
      `readImage: expected an image { width, height, data } or the bytes of an image file, got ${typeof bytes}. Pass one of them.`,
    );
  }
  if (createImageBitmap === undefined || OffscreenCanvas === undefined) {
    throw new DparError(
      "readImage: expected a browser to decode image files, got none. Import '@dpar/pipeline/node' in Node, or pass pixels.",
    );
  }
  const bitmap = await createImageBitmap(new Blob([bytes.slice()])).catch((cause: Error) => {
    throw new DparError(
      `readImage: expected the bytes of an image file, got ${bytes.length} bytes of another kind (${cause.message}). Pass an image.`,
      { cause },
    );
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
