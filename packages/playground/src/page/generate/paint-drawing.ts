import { lengthsFromStarts } from '@dpar/patchify';
import type { DrawingState } from '../../model/drawing.js';
import { paintEdge, paintEmptyGrid, paintPatches, paintPixels, surfaceOf } from '../drawing/paint.js';

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
  if (showsPatches) paintPatches(surface, lengthsFromStarts(drawing.startsPatch));
  if (given > 0) paintEdge(surface, given / gridSize, getComputedStyle(canvas).getPropertyValue('--accent'));
}
