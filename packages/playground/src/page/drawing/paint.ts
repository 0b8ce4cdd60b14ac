import { patchSpans } from '@dpar/patchify';
import { imageDataOf } from '../images/read-image.js';
import { heatColour } from './heat-map.js';

/** A square drawing surface with G x G cells, a token each. Lengths are in pixels of the screen. */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  /** Width and height. */
  readonly size: number;
  /** Width and height of a cell. */
  readonly cell: number;
  /** Cells in a row, G. */
  readonly gridSize: number;
  /** Pixels of the screen that one of CSS has. */
  readonly scale: number;
}

/** Brings a canvas to the size that it has on the page; undefined while it is hidden. */
function surfaceOf(canvas: HTMLCanvasElement, gridSize: number): Surface | undefined {
  const { width } = canvas.getBoundingClientRect();
  if (width === 0) return undefined;
  const scale = globalThis.devicePixelRatio || 1;
  const size = Math.round(width * scale);
  if (canvas.width !== size) {
    canvas.width = size;
    canvas.height = size;
  }
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  context.clearRect(0, 0, size, size);
  return { context, size, cell: size / gridSize, gridSize, scale };
}

/** The surface of the canvas of that name, if it is shown, with the colours of its place. */
export function surfaceNamed(name: string, gridSize: number) {
  const canvas = document.querySelector<HTMLCanvasElement>(`canvas[data-canvas=${name}]`);
  const surface = canvas && surfaceOf(canvas, gridSize);
  if (!surface) return undefined;
  return { surface, colour: (property: string): string => getComputedStyle(canvas).getPropertyValue(property) };
}

let scratch: OffscreenCanvas | undefined;

/**
 * Paints an image, [S, S, 3], enlarged smoothly: its pixels would hide the shapes at many times their size.
 * @param tokens Paints that many tokens only, in raster order (default: all).
 */
export function paintPixels({ context, size, cell, gridSize }: Surface, pixels: Uint8Array, tokens?: number): void {
  const image = imageDataOf(pixels);
  scratch ??= new OffscreenCanvas(image.width, image.height);
  scratch.width = image.width;
  scratch.height = image.height;
  (scratch.getContext('2d') as OffscreenCanvasRenderingContext2D).putImageData(image, 0, 0);
  context.save();
  if (tokens !== undefined) {
    const rows = Math.floor(tokens / gridSize);
    context.beginPath();
    context.rect(0, 0, size, rows * cell);
    context.rect(0, rows * cell, (tokens % gridSize) * cell, cell);
    context.clip();
  }
  context.imageSmoothingQuality = 'high';
  context.drawImage(scratch, 0, 0, size, size);
  context.restore();
}

/** Paints entropies [T - 1] in nats, of tokens 1 to T - 1, as shares of `most`. Token 0 has none and is left empty. */
export function paintEntropies(surface: Surface, entropies: Float32Array, most: number): void {
  const { context, cell, gridSize } = surface;
  paintHatch(surface);
  entropies.forEach((entropy, j) => {
    const [x, y] = [(j + 1) % gridSize, Math.floor((j + 1) / gridSize)];
    const [left, top] = [Math.floor(x * cell), Math.floor(y * cell)];
    context.fillStyle = heatColour(entropy / most);
    context.fillRect(left, top, Math.floor((x + 1) * cell) - left, Math.floor((y + 1) * cell) - top);
  });
}

/** Hatches the first cell, which has no entropy. */
function paintHatch({ context, cell, scale }: Surface): void {
  context.save();
  context.beginPath();
  context.rect(0, 0, cell, cell);
  context.clip();
  context.strokeStyle = 'rgb(130 124 145 / 70%)';
  context.lineWidth = scale;
  context.beginPath();
  for (let x = -cell; x < cell; x += 5 * scale) {
    context.moveTo(x, cell);
    context.lineTo(x + cell, 0);
  }
  context.stroke();
  context.restore();
}

/** Outlines patches; lengths [M] are in tokens. A patch that crosses rows is outlined in each of them. */
export function paintPatches(surface: Surface, lengths: ArrayLike<number>): void {
  const { starts, ends } = patchSpans(lengths);
  const path = new Path2D();
  for (const [patch, start] of starts.entries()) addOutline(path, surface, start, ends[patch] as number);
  stroke(surface, path, 'rgb(20 12 36 / 45%)', 2.2);
  stroke(surface, path, 'rgb(255 255 255 / 90%)', 1);
}

/** Marks one token and the patch it is in. */
export function paintCursor(surface: Surface, token: number, patch: readonly [first: number, last: number]): void {
  const whole = new Path2D();
  addOutline(whole, surface, patch[0], patch[1]);
  stroke(surface, whole, 'rgb(10 8 20 / 85%)', 5.5);
  stroke(surface, whole, '#3fd6ff', 3);
  const own = new Path2D();
  const { x, y, cell } = placeOf(surface, token);
  own.arc(x + cell / 2, y + cell / 2, Math.max(2.5 * surface.scale, cell * 0.14), 0, 2 * Math.PI);
  stroke(surface, own, 'rgb(10 8 20 / 85%)', 4);
  surface.context.fillStyle = '#3fd6ff';
  surface.context.fill(own);
}

/** Smallest cell, in pixels of CSS, in which a code can be read. */
const legibleCell = 23;

/** Writes the code of each token into its cell, where there is room. */
export function paintCodes({ context, cell, gridSize, size, scale }: Surface, tokens: Int32Array): void {
  context.fillStyle = 'rgb(12 10 22 / 58%)';
  context.fillRect(0, 0, size, size);
  if (cell / scale < legibleCell) return;
  context.fillStyle = '#fff';
  context.font = `${Math.round(cell * 0.36)}px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  tokens.forEach((token, i) => {
    context.fillText(`${token}`, ((i % gridSize) + 0.5) * cell, (Math.floor(i / gridSize) + 0.54) * cell, cell * 0.92);
  });
}

/** Paints thin lines between tokens, for unfinished parts of an image. */
export function paintEmptyGrid({ context, size, cell, gridSize }: Surface, colour: string): void {
  context.fillStyle = colour;
  for (let i = 1; i < gridSize; i++) {
    context.fillRect(Math.round(i * cell), 0, 1, size);
    context.fillRect(0, Math.round(i * cell), size, 1);
  }
}

/** Paints a line below a number of rows. */
export function paintEdge({ context, size, cell, scale }: Surface, rows: number, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(0, rows * cell - 1.5 * scale, size, 3 * scale);
}

function placeOf({ cell, gridSize }: Surface, token: number) {
  return { x: (token % gridSize) * cell, y: Math.floor(token / gridSize) * cell, cell };
}

/** Adds rounded boxes around tokens `first` to `last`, one for each of their rows. */
function addOutline(path: Path2D, surface: Surface, first: number, last: number): void {
  const { gridSize, cell, scale } = surface;
  const inset = 1 * scale;
  for (let start = first; start <= last; ) {
    const end = Math.min(last, start - (start % gridSize) + gridSize - 1);
    const { x, y } = placeOf(surface, start);
    const width = (end - start + 1) * cell;
    path.roundRect(x + inset, y + inset, width - 2 * inset, cell - 2 * inset, Math.min(4 * scale, cell / 4));
    start = end + 1;
  }
}

function stroke({ context, scale }: Surface, path: Path2D, colour: string, width: number): void {
  context.strokeStyle = colour;
  context.lineWidth = width * scale;
  context.stroke(path);
}
