import { html, type TemplateResult } from 'lit-html';
import type { App } from '../app.js';
import { blankSheet, ownDrawing, widestBrush } from '../images/own-drawing.js';
import { imageDataOf, withoutAlpha } from '../images/read-image.js';
import { measure, slider } from '../parts/controls.js';
import type { Place } from '../parts/token-canvas.js';

/** Colours to draw with. */
const colours = [
  ['Red', '#e5484d'],
  ['Orange', '#f5892c'],
  ['Yellow', '#ffd02f'],
  ['Green', '#46a758'],
  ['Blue', '#3b82f6'],
  ['Purple', '#8e4ec6'],
  ['Brown', '#8b5e3c'],
  ['Black', '#1c1b22'],
  ['White', '#ffffff'],
] as const;

/** Draws a line on the picture, or a dot. */
export function drawStroke(app: App, to: Place, from: Place = to): void {
  const { picture, brush } = app.state.look;
  if (!picture || !brush) return;
  const size = app.imageSize;
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.putImageData(imageDataOf(picture.pixels), 0, 0);
  context.fillStyle = brush.colour;
  context.strokeStyle = brush.colour;
  context.lineWidth = brush.width;
  context.lineCap = 'round';
  // A line without length is not drawn.
  context.beginPath();
  context.arc(to.x * size, to.y * size, brush.width / 2, 0, 2 * Math.PI);
  context.fill();
  context.beginPath();
  context.moveTo(from.x * size, from.y * size);
  context.lineTo(to.x * size, to.y * size);
  context.stroke();
  app.showStroke(ownDrawing(withoutAlpha(context.getImageData(0, 0, size, size).data)));
}

/** Controls of colour and width, and a button that clears the picture. */
export function brushControls(app: App): TemplateResult {
  const { brush } = app.state.look;
  if (!brush) return html``;
  return html`<section class="card brush" aria-label="Brush">
    <div class="colours" role="group" aria-label="Colour">
      ${colours.map(
        ([name, colour]) => html`<button
          type="button"
          class="colour"
          aria-label=${name}
          title=${name}
          aria-pressed=${brush.colour === colour}
          @click=${() => app.set(brush, { colour })}
        >
          <svg class="colour-dot" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="9" fill=${colour} /></svg>
        </button>`,
      )}
    </div>
    ${slider({
      id: 'brush-width',
      label: 'Width',
      min: 1,
      max: widestBrush(app.imageSize),
      step: 1,
      value: brush.width,
      text: measure(brush.width, 'px'),
      onInput: (width) => app.set(brush, { width }),
    })}
    <button type="button" class="quiet" @click=${() => app.showStroke(blankSheet(app.imageSize))}>Clear</button>
  </section>`;
}
