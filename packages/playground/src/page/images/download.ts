import { imageDataOf } from './read-image.js';

/** Width and height in pixels from which saved images are not enlarged. */
const savedSize = 512;

/** Saves an image, [S, S, 3], as a PNG file, enlarged without smoothing. */
export async function downloadPng(pixels: Uint8Array, fileName: string): Promise<void> {
  const image = imageDataOf(pixels);
  const small = new OffscreenCanvas(image.width, image.height);
  (small.getContext('2d') as OffscreenCanvasRenderingContext2D).putImageData(image, 0, 0);
  const enlargement = Math.max(1, Math.round(savedSize / image.width));
  const large = new OffscreenCanvas(image.width * enlargement, image.height * enlargement);
  const context = large.getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, large.width, large.height);
  saveFile(await large.convertToBlob({ type: 'image/png' }), fileName);
}

/** Saves bytes as a file, where the browser puts downloads. */
export function saveFile(content: Blob, fileName: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // The browser needs the URL for some time after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
