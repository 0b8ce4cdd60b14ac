import { lengthsFromStarts } from '@dpar/patchify';
import type { DrawingState } from '../../model/drawing.js';
import type { App } from '../app.js';
import { paintEdge, paintEmptyGrid, paintPatches, paintPixels, surfaceNamed } from '../drawing/paint.js';

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
  const found = surfaceNamed(name, gridSize);
  if (!found) return;
  const { surface, colour } = found;
  paintEmptyGrid(surface, colour('--grid-line'));
  if (!drawing) return;
  paintPixels(surface, drawing.pixels, drawing.tokens.length);
  if (showsPatches) paintPatches(surface, lengthsFromStarts(drawing.startsPatch));
  if (given > 0) paintEdge(surface, given / gridSize, colour('--accent'));
}

/**
 * Paints the picture of the first part, which is shown until there is a drawing.
 * @param byToken Shows each token as a patch of its own (default: the patches of DPAR, once they are known).
 */
export function paintExample(app: App, name: string, byToken = false): void {
  const { gridSize, blockSize, source } = app.info;
  const found = surfaceNamed(name, gridSize);
  const { picture, showsPatches } = app.state.look;
  if (!found || !picture) return;
  paintPixels(found.surface, picture.pixels);
  const lengths = byToken ? new Int32Array(blockSize).fill(1) : app.lookPatches(source);
  if (showsPatches && lengths) paintPatches(found.surface, lengths);
}
