import type { DrawingState } from '../../model/drawing.js';
import { paintEdge, paintEmptyGrid, paintPatches, paintPixels, surfaceOf } from '../drawing/paint.js';

/** Patch lengths from the starts of patches, [position]. */
export function lengthsOf(startsPatch: Uint8Array): Int32Array {
  const lengths: number[] = [];
  for (const starts of startsPatch) {
    if (starts) lengths.push(1);
    else lengths[lengths.length - 1] = (lengths.at(-1) as number) + 1;
  }
  return Int32Array.from(lengths);
}

/**
 * Paints the finished tokens of a drawing, with its patches.
 * @param given Number of given tokens at its beginning, a multiple of the row length.
 */
export function paintDrawing(
  name: string,
  gridSize: number,
  drawing: DrawingState | undefined,
  showsPatches: boolean,
  given = 0,
): void {
  const canvas = document.querySelector<HTMLCanvasElement>(`canvas[data-canvas=${name}]`);
  const surface = canvas && surfaceOf(canvas, gridSize);
  if (!surface) return;
  paintEmptyGrid(surface, getComputedStyle(canvas).getPropertyValue('--grid-line'));
  if (!drawing) return;
  paintPixels(surface, drawing.pixels, drawing.tokens.length);
  if (showsPatches) paintPatches(surface, lengthsOf(drawing.startsPatch));
  if (given > 0) paintEdge(surface, given / gridSize, getComputedStyle(canvas).getPropertyValue('--accent'));
}
