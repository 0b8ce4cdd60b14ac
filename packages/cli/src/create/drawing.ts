import { Grid, gridColumns, gridLayout, ImageDecoder, type SquareImages } from '@dpar/pipeline';
import type { Engine } from '@dpar/tensor';
import type { ImageTokenizer } from '@dpar/tokenizer';
import { gridLabels, labelledGrid } from '../images/labelled-grid.js';
import { spread } from '../report/report.js';
import { drawParts, loadGenerator } from '../sample/generator.js';

/** Most classes of a grid, one column each. */
const mostClasses = 10;

/** Classes of a grid, evenly spread over all. */
export function gridClasses(classes: number): number[] {
  return spread([...Array(classes).keys()], mostClasses);
}

/** Guidance and top-p of drawings. One class needs no guidance. Lower values of top-p leave more images empty. */
export function drawingOf(classes: number): { readonly guidanceScale: number; readonly topP: number } {
  return { guidanceScale: classes > 1 ? 1.5 : 1, topP: 0.98 };
}

/** Images that a model drew. */
export interface Drawn {
  readonly images: SquareImages;
  /** Class of each image. */
  readonly labels: Int32Array;
  /** Lengths of the patches of each image. */
  readonly patchLengths: readonly Int32Array[];
}

/** Model, tokenizer and classes of images to draw. */
export interface Drawing {
  readonly engine: Engine;
  /** Checkpoint of a DPAR model with a boundary head, or of a LlamaGen. */
  readonly checkpoint: string;
  readonly tokenizer: ImageTokenizer;
  readonly classes: number;
  readonly perClass: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (images: number) => void;
}

/** Draws images of some classes, one column of a grid for each. */
export async function drawImages(drawing: Drawing): Promise<Drawn> {
  const { engine, checkpoint, tokenizer, classes, perClass, seed, signal, onProgress } = drawing;
  const columns = gridClasses(classes);
  const labels = Int32Array.from(
    { length: columns.length * perClass },
    (_, i) => columns[i % columns.length] as number,
  );
  const generator = await loadGenerator(engine, {
    checkpoint,
    average: false,
    entropyCheckpoint: undefined,
    weights: 'float32',
  });
  const decoder = new ImageDecoder(tokenizer, generator.blockSize);
  const size = decoder.imageSize;
  const data = new Uint8Array(labels.length * 3 * size * size);
  const patchLengths: Int32Array[] = [];
  try {
    const options = { ...drawingOf(classes), labels, seed, signal };
    for await (const part of drawParts(generator, decoder, options, onProgress)) {
      data.set(part.images.data, part.start * 3 * size * size);
      patchLengths.push(...part.patchLengths);
    }
  } finally {
    await generator.dispose();
  }
  return { images: { data, size }, labels, patchLengths };
}

/** The grid of drawn images as a PNG file, with the names of the classes over its columns. */
export async function gridOf({ images, labels }: Drawn, names: readonly string[]): Promise<Uint8Array> {
  const columns = gridColumns(labels.length, new Set(labels).size);
  const grid = new Grid(gridLayout(labels.length, columns, images.size));
  grid.draw(0, images);
  const shown = names.length > 1 ? gridLabels(labels, columns, names) : undefined;
  return shown === undefined ? grid.png() : labelledGrid(grid.picture, shown);
}
