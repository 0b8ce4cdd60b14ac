import type { Brush } from '../state.js';
import type { Picture } from './read-image.js';

/** Width of images for which the widths of brushes are given. */
const usualSize = 64;

/** A drawing of the visitor. @param pixels [S, S, 3] */
export function ownDrawing(pixels: Uint8Array<ArrayBuffer>): Picture {
  return { name: 'Your drawing', pixels };
}

/** A white sheet. @param size Width and height in pixels. */
export function blankSheet(size: number): Picture {
  return ownDrawing(new Uint8Array(3 * size * size).fill(255));
}

/** The brush of a new drawing. @param size Width and height of the image in pixels. */
export function newBrush(size: number): Brush {
  return { colour: '#e5484d', width: Math.max(1, Math.round((6 * size) / usualSize)) };
}

/** Width of the widest brush in pixels. @param size Width and height of the image in pixels. */
export function widestBrush(size: number): number {
  return Math.ceil((20 * size) / usualSize);
}
