import { html, nothing, type TemplateResult } from 'lit-html';
import type { ModelInfo } from '../../model/model-info.js';
import type { App, Completion } from '../app.js';
import { paintEdge, paintEmptyGrid, paintPixels, surfaceNamed } from '../drawing/paint.js';
import { choice, slider } from '../parts/controls.js';
import { sources } from '../parts/sources.js';
import { classHintId, completionClass } from './completion-class.js';

/** Choice between a new image and a picture to complete, with the first erased row. */
export function completionControls(app: App, info: ModelInfo): TemplateResult {
  const { gridSize } = info;
  const { keptRows } = app.state;
  return html`<div class="control">
      ${choice(
        'Start from',
        [
          ['nothing', 'A new image'],
          ['picture', 'Complete a picture'],
        ],
        keptRows === undefined ? 'nothing' : 'picture',
        (value) => app.keepRows(value === 'picture' ? Math.floor(gridSize / 2) : undefined),
      )}
    </div>
    ${
      keptRows === undefined
        ? nothing
        : html`${sources(app, { canDraw: false })}
          <p class="hint" id=${classHintId}>${completionClass(app, info).hint}</p>
          ${slider({
            id: 'kept-rows',
            label: 'Erased from row',
            min: 1,
            max: gridSize - 1,
            step: 1,
            value: keptRows,
            text: `${keptRows + 1}\u00a0of\u00a0${gridSize}`,
            hint: 'Drag the edge in the picture. Tokens are generated row by row, so the upper part is always kept.',
            onInput: (rows) => app.keepRows(rows),
          })}`
    }`;
}

/** Tokens of the given upper rows and their class; undefined until both are known. */
export function completionOf(app: App, info: ModelInfo): Completion | undefined {
  const { keptRows = 0, look } = app.state;
  const { label } = completionClass(app, info);
  if (!look.isAnalysed || !look.analysis || label === undefined) return undefined;
  return { label, prefix: look.analysis.tokens.slice(0, keptRows * info.gridSize) };
}

/** Moves the edge of the kept rows to the pointer. */
export function dragEdge(app: App, { gridSize }: ModelInfo, event: PointerEvent): void {
  if (app.state.keptRows === undefined || event.buttons === 0) return;
  const { top, height } = (event.target as HTMLElement).getBoundingClientRect();
  const row = Math.round(((event.clientY - top) / height) * gridSize);
  app.keepRows(Math.min(gridSize - 1, Math.max(1, row)));
}

/** Paints the kept rows of the picture, and the edge below them. */
export function paintKept(app: App, { gridSize }: ModelInfo, name: string): void {
  const { keptRows = 0, look } = app.state;
  const found = surfaceNamed(name, gridSize);
  if (!found) return;
  const { surface, colour } = found;
  paintEmptyGrid(surface, colour('--grid-line'));
  const pixels = look.reconstruction ?? look.picture?.pixels;
  if (!pixels) return;
  const { context, size, cell, scale } = surface;
  context.globalAlpha = 0.14;
  paintPixels(surface, pixels);
  context.globalAlpha = 1;
  paintPixels(surface, pixels, keptRows * gridSize);
  const y = keptRows * cell;
  paintEdge(surface, keptRows, colour('--accent'));
  context.beginPath();
  context.roundRect(size / 2 - 22 * scale, y - 7 * scale, 44 * scale, 14 * scale, 7 * scale);
  context.fill();
}
