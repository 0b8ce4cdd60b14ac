import type { PageExample } from '../../manifest.js';

/** An image as the models read it. */
export interface Picture {
  readonly name: string;
  /** Name of its class, where that is known. */
  readonly className?: string;
  /** [S, S, 3], 0..255 */
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** Largest size of an image file, as decoding needs memory. */
const largestMegabytes = 40;

/**
 * Decodes an image file and scales its central square to S x S pixels, upright by its EXIF orientation and on white.
 * @throws Error if the browser cannot read the image, or if it is too large.
 */
export async function readImage(file: Blob, name: string, size: number): Promise<Picture> {
  if (file.size > largestMegabytes * 1e6) {
    const megabytes = Math.round(file.size / 1e6);
    throw new Error(
      `'${name}' has ${megabytes}\u00a0MB. The limit is ${largestMegabytes}\u00a0MB. Choose a smaller image.`,
    );
  }
  let bitmap: ImageBitmap;
  try {
    // Upright is every browser's default, and older ones refuse the option that names it.
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`'${name}' is not an image that this browser can read. Try a PNG, JPEG, WebP or GIF file.`);
  }
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, size, size);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, size, size);
  bitmap.close();
  return { name, pixels: withoutAlpha(context.getImageData(0, 0, size, size).data) };
}

/** Fetches and decodes a picture of the page. */
export async function readExample({ file, name, className }: PageExample, size: number): Promise<Picture> {
  const response = await fetch(file);
  if (!response.ok) throw new Error(`The picture '${name}' could not be loaded (status ${response.status}).`);
  const picture = await readImage(await response.blob(), name, size);
  return className === undefined ? picture : { ...picture, className };
}

/** [S, S, 4] -> [S, S, 3]. */
export function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let channel = 0; channel < 3; channel++) pixels[to++] = rgba[from + channel] as number;
  }
  return pixels;
}

/** [S, S, 3] -> an opaque image for a canvas. */
export function imageDataOf(pixels: Uint8Array): ImageData {
  const size = Math.sqrt(pixels.length / 3);
  const image = new ImageData(size, size);
  for (let from = 0, to = 0; from < pixels.length; to += 4) {
    for (let channel = 0; channel < 3; channel++) image.data[to + channel] = pixels[from++] as number;
    image.data[to + 3] = 255;
  }
  return image;
}
