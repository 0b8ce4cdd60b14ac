import { paintEmptyGrid, paintPixels, surfaceNamed } from '../drawing/paint.js';
import { imageDataOf } from '../images/read-image.js';
import type { Training } from './training.js';

export const canvasOfPicture = (index: number): string => `training-picture-${index}`;
export const canvasOfSamples = (index: number): string => `training-samples-${index}`;

/** Sampled images in a row of their canvas. */
const imagesInRow = 2;

/** Paints the pictures and the samples. */
export function paintTraining({ pictures, run }: Training): void {
  for (const [i, { pixels }] of pictures.entries()) {
    const canvas = document.querySelector<HTMLCanvasElement>(`canvas[data-canvas=${canvasOfPicture(i)}]`);
    const image = imageDataOf(pixels);
    if (!canvas) continue;
    if (canvas.width !== image.width) canvas.width = canvas.height = image.width;
    canvas.getContext('2d')?.putImageData(image, 0, 0);
  }
  for (let i = 0; ; i++) {
    const found = surfaceNamed(canvasOfSamples(i), imagesInRow);
    if (!found) return;
    const { images } = run?.samples[i] ?? {};
    if (images) paintPixels(found.surface, montage(images));
    paintEmptyGrid(found.surface, found.colour('--grid-line'));
  }
}

/** Four images, each [S, S, 3], as one of 2 x 2. */
function montage(images: readonly Uint8Array[]): Uint8Array {
  const size = Math.sqrt((images[0]?.length ?? 0) / 3);
  const row = 3 * size;
  const whole = new Uint8Array(imagesInRow ** 2 * size * row);
  for (const [i, image] of images.entries()) {
    const left = (i % imagesInRow) * row;
    const top = Math.floor(i / imagesInRow) * size;
    for (let y = 0; y < size; y++) {
      whole.set(image.subarray(y * row, (y + 1) * row), (top + y) * imagesInRow * row + left);
    }
  }
  return whole;
}
