import type { Stages } from '@dpar/example-kit';
import type { Engine } from '@dpar/tensor';
import { drawPretrained } from '../pretrained/draw.js';
import { colours, drawing, label, smoothSquare } from './svg.js';

/** Images of each class, and the seed: those of `npm run demo -- --pretrained --seed 1`. */
const [perClass, seed] = [4, 1] as const;

const [size, gap, margin, top] = [176, 4, 22, 92] as const;

/** The labelled grid as a WebP file: a column of generated images for each class, not selected. */
export async function classesPicture(engine: Engine, stages: Stages): Promise<Buffer> {
  const { pictures, classes } = await drawPretrained(engine, { perClass, seed }, stages);
  const left = (column: number): number => margin + column * (size + gap);
  const images = pictures.map((picture, i) =>
    smoothSquare(picture, left(i % classes.length), top + Math.floor(i / classes.length) * (size + gap), size),
  );
  const labels = classes.flatMap((name, column) => {
    const [first = '', second] = name.split(/(?<=&) /); // 'Food & Drink' in two lines
    const place = { x: left(column) + size / 2, size: 25, anchor: 'middle', colour: colours.ink } as const;
    if (second === undefined) return [label(first, { ...place, y: 74 })];
    return [label(first, { ...place, y: 44 }), label(second, { ...place, y: 74 })];
  });
  const width = 2 * margin + classes.length * (size + gap) - gap;
  const height = top + perClass * (size + gap) + margin - gap;
  // As a PNG file it would have 1.6 MB.
  return drawing(width, height, [...labels, ...(await Promise.all(images))])
    .webp({ quality: 92, smartSubsample: true, effort: 6 })
    .toBuffer();
}
