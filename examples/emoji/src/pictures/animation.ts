import { imageAt } from '@dpar/pipeline';
import type { NodePipeline } from '@dpar/pipeline/node';
import { patchOutlines, pictureOf } from '@dpar/report';
import sharp from 'sharp';
import { colours, drawing, label, square } from './svg.js';

/** Classes of the drawn images, and the seed: the images of the first row of the labelled grid. */
const [classes, seed] = [['Flags', 'Food & Drink', 'Smileys & Emotion', 'People & Body'], 1] as const;

/** Pixels of a token and between images; the picture is as wide as GitHub shows it. */
const [cell, gap, margin, top] = [12, 14, 10, 36] as const;

/** Patches that appear from one frame to the next. */
const patchesPerFrame = 2;

/** Milliseconds of a frame, of the finished images with their patches, and without. */
const [frameMs, patchedMs, finishedMs] = [90, 2500, 2500] as const;

/**
 * A short animated picture of drawing as a WebP file. Images are drawn patch by patch, one for each run of the large transformer, so images
 * with long patches are finished first.
 */
export async function animation(model: NodePipeline): Promise<Buffer> {
  const images = await model.generate({ count: model.numClasses, seed });
  const { gridSize } = model;
  const panel = gridSize * cell;
  const width = 2 * margin + classes.length * panel + (classes.length - 1) * gap;
  const height = top + panel + 40;
  const drawn = await Promise.all(
    classes.map(async (name, column) => {
      const left = margin + column * (panel + gap);
      const i = images.names?.indexOf(name) ?? -1;
      if (i < 0)
        throw new Error(
          `pictures: expected a model with the class '${name}', got ${images.names}. Change the classes.`,
        );
      const pixels = imageAt({ data: images.bytes, size: images.width }, i).data;
      return {
        name,
        left,
        picture: await square(pictureOf(pixels), left, top, panel),
        lengths: [...(images.patchLengths?.[i] ?? [])],
      };
    }),
  );
  const most = Math.max(...drawn.map(({ lengths }) => lengths.length));
  /** Elements after some runs of the large transformer. */
  const frame = (runs: number, outlined: boolean): Promise<Buffer> => {
    const elements = drawn.flatMap(({ name, left, picture, lengths }) => {
      const known = lengths.slice(0, runs);
      const tokens = known.reduce((sum, length) => sum + length, 0);
      const isDone = known.length === lengths.length;
      const outlines = `<path d="${patchOutlines(known, gridSize, cell)}" transform="translate(${left} ${top})" fill="none" stroke="${colours.patch}" stroke-width="1.3"/>`;
      return [
        label(name, { x: left, y: 25, size: 16, bold: true }),
        picture,
        ...hidden(tokens, gridSize, left),
        ...(outlined ? [outlines] : []),
        label(isDone ? `${lengths.length} patches, ${tokens} tokens` : `patch ${known.length}, token ${tokens}`, {
          x: left,
          y: top + panel + 25,
          size: 15,
          colour: isDone ? colours.ink : colours.soft,
        }),
      ];
    });
    return drawing(width, height, elements).png().toBuffer();
  };
  const runs = Array.from({ length: Math.ceil(most / patchesPerFrame) }, (_, i) => i * patchesPerFrame);
  const frames = await Promise.all([...runs.map((run) => frame(run, true)), frame(most, true), frame(most, false)]);
  const delay = [...runs.map(() => frameMs), patchedMs, finishedMs];
  return sharp(frames, { join: { animated: true } })
    .webp({ lossless: true, effort: 6, loop: 0, delay })
    .toBuffer();
}

/** Covers the tokens that are not drawn yet: the rest of a row, and the rows below it. */
function hidden(tokens: number, gridSize: number, left: number): string[] {
  const [row, column] = [Math.floor(tokens / gridSize), tokens % gridSize];
  const cover = (x: number, y: number, across: number, down: number): string =>
    `<rect x="${left + x * cell}" y="${top + y * cell}" width="${across * cell}" height="${down * cell}" fill="${colours.empty}"/>`;
  if (row >= gridSize) return [];
  return [cover(column, row, gridSize - column, 1), cover(0, row + 1, gridSize, gridSize - row - 1)];
}
