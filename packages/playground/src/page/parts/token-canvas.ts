import { html, nothing, type TemplateResult } from 'lit-html';
import { isTouch } from './pointer.js';

/** A square canvas of tokens with a cursor, for mouse, finger and arrow keys. */
export interface TokenCanvas {
  readonly name: string;
  readonly label: string;
  /** Id of the element that describes the token under the cursor. */
  readonly describedBy: string;
  readonly gridSize: number;
  /** The token that is pointed at now: keys may come faster than the page is shown. */
  readonly cursor: () => number | undefined;
  readonly onCursor: (token: number | undefined) => void;
  /** Draws instead of pointing; places are in shares of the width. A stroke's first place has none before it. */
  readonly onStroke?: ((to: Place, from: Place | undefined) => void) | undefined;
}

/** A place in the image, in shares of its width and height. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export function tokenCanvas(options: TokenCanvas): TemplateResult {
  const { name, label, describedBy, onStroke } = options;
  return html`<canvas
    class="tokens ${onStroke ? 'drawable' : ''}"
    data-canvas=${name}
    tabindex="0"
    role="application"
    aria-roledescription="token grid"
    aria-label="${label}. ${isTouch() ? touchHint(options) : keyHint(options)}"
    aria-describedby=${describedBy || nothing}
    @pointerdown=${(event: PointerEvent) => press(event, options)}
    @pointermove=${(event: PointerEvent) => move(event, options)}
    @pointerup=${() => strokes.clear()}
    @pointercancel=${() => strokes.clear()}
    @pointerleave=${(event: PointerEvent) => event.pointerType === 'mouse' && options.onCursor(undefined)}
    @keydown=${(event: KeyboardEvent) => key(event, options)}
    @focus=${() => options.cursor() === undefined && options.onCursor(0)}
  ></canvas>`;
}

const keyHint = ({ onStroke }: TokenCanvas): string =>
  `Arrow keys move from token to token${onStroke ? ', space draws' : ''}.`;

const touchHint = ({ onStroke }: TokenCanvas): string =>
  onStroke ? 'Draw with a finger.' : 'Touch a token to read it.';

/** The last place of each pointer that draws. */
const strokes = new Map<number, Place>();

function press(event: PointerEvent, options: TokenCanvas): void {
  move(event, options);
  if (!options.onStroke || event.button !== 0) return;
  (event.target as HTMLElement).setPointerCapture(event.pointerId);
  const place = placeOf(event);
  options.onStroke(place, undefined);
  strokes.set(event.pointerId, place);
}

function move(event: PointerEvent, { gridSize, onCursor, onStroke }: TokenCanvas): void {
  const place = placeOf(event);
  const from = strokes.get(event.pointerId);
  if (onStroke && from) {
    onStroke(place, from);
    strokes.set(event.pointerId, place);
  }
  const cell = (share: number): number => Math.min(gridSize - 1, Math.max(0, Math.floor(share * gridSize)));
  onCursor(cell(place.y) * gridSize + cell(place.x));
}

function placeOf(event: PointerEvent): Place {
  const { left, top, width, height } = (event.target as HTMLElement).getBoundingClientRect();
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
}

function key(event: KeyboardEvent, { gridSize, onCursor, onStroke, ...options }: TokenCanvas): void {
  const cursor = options.cursor() ?? 0;
  const [x, y] = [cursor % gridSize, Math.floor(cursor / gridSize)];
  const last = gridSize - 1;
  const targets: Record<string, readonly [number, number]> = {
    ArrowLeft: [Math.max(0, x - 1), y],
    ArrowRight: [Math.min(last, x + 1), y],
    ArrowUp: [x, Math.max(0, y - 1)],
    ArrowDown: [x, Math.min(last, y + 1)],
    Home: [0, y],
    End: [last, y],
  };
  const target = targets[event.key];
  if (target) onCursor(target[1] * gridSize + target[0]);
  else if (event.key === ' ' && onStroke) onStroke({ x: (x + 0.5) / gridSize, y: (y + 0.5) / gridSize }, undefined);
  else return;
  event.preventDefault();
}
