import { join } from 'node:path';
import { readEntries } from '@dpar/example-kit/emoji';
import type { NodePipeline } from '@dpar/pipeline/node';
import { heatColour, heatMap, type Picture, patchOutlines, pictureOf } from '@dpar/report';
import sharp from 'sharp';
import { colours, drawing, label, square } from './svg.js';

/** The picture that the strip explains: a turtle on white. */
const example = '1f422.png';

/** Pixels of a token, and between the panels. The strip is twice as wide as GitHub shows it. */
const [cell, gap, margin, top] = [23, 44, 28, 130] as const;

/** The idea in one strip: a picture, the entropies of its tokens, its patches, and the positions of the large transformer. */
export async function ideaPicture(model: NodePipeline): Promise<Buffer> {
  const path = join((await readEntries('google')).folder, example);
  const pixels = await sharp(path).flatten({ background: '#fff' }).toColourspace('srgb').raw().toBuffer();
  const picture = pictureOf(new Uint8Array(pixels));
  const { entropies, patchLengths, gridSize } = await model.entropyMap(path);
  if (patchLengths === undefined)
    throw new Error('pictures: expected a model with patches, got one without. Use DPAR.');
  const panel = gridSize * cell;
  const left = (i: number): number => margin + i * (panel + gap);
  const brightest = Math.ceil(Math.max(...entropies));
  const map = heatMap([undefined, ...entropies], brightest, 1);
  const count = patchLengths.length;
  const outlines = `<path d="${patchOutlines(patchLengths, gridSize, cell)}" transform="translate(${left(2)} ${top})" fill="none" stroke="${colours.patch}" stroke-width="2.5"/>`;
  const titles = [
    ['Picture', `${gridSize ** 2} tokens, in reading`, 'order from the top left'],
    ['Entropy', 'How hard is each token to', 'predict from those before?'],
    ['Patches', 'Easy tokens join one patch,', 'a hard one starts a new one'],
    ['Positions', 'The large transformer runs', `${count} times, not ${gridSize ** 2}`],
  ] as const;
  const elements = [
    ...titles.flatMap(([title, first, second], i) => [
      label(`${i + 1}. ${title}`, { x: left(i), y: 48, size: 32, bold: true }),
      label(first, { x: left(i), y: 84, size: 25, colour: colours.soft }),
      label(second, { x: left(i), y: 114, size: 25, colour: colours.soft }),
    ]),
    await square(picture, left(0), top, panel),
    lines(gridSize, left(0)),
    await square(map, left(1), top, panel),
    await square(picture, left(2), top, panel),
    outlines,
    positions(picture, patchLengths, gridSize, left(3)),
    ...[1, 2, 3].map((i) => arrow(left(i) - gap / 2, top + panel / 2)),
    scale(left(1), top + panel + 16, brightest),
    label('Each square: one patch', { x: left(3), y: top + panel + 36, size: 22, colour: colours.soft }),
  ];
  const strip = drawing(2 * margin + 4 * panel + 3 * gap, top + panel + 60, elements);
  return strip.png({ compressionLevel: 9, palette: true, quality: 100, dither: 0 }).toBuffer();
}

/** Grid of tokens over a picture. */
function lines(gridSize: number, left: number): string {
  const panel = gridSize * cell;
  const path = Array.from(
    { length: gridSize + 1 },
    (_, i) => `M${left + i * cell} ${top}v${panel}M${left} ${top + i * cell}h${panel}`,
  );
  return `<path d="${path.join('')}" stroke="#8b949e" stroke-opacity="0.6" fill="none"/>`;
}

/** A square for each patch in its mean colour, row by row, and empty places for the positions that are saved. */
function positions(picture: Picture, lengths: ArrayLike<number>, gridSize: number, left: number): string {
  let token = 0;
  return Array.from({ length: gridSize ** 2 }, (_, i) => {
    const x = left + (i % gridSize) * cell + 2;
    const y = top + Math.floor(i / gridSize) * cell + 2;
    const place = `x="${x}" y="${y}" width="${cell - 4}" height="${cell - 4}" rx="4"`;
    const length = lengths[i];
    if (length === undefined) return `<rect ${place} fill="${colours.empty}"/>`;
    const colour = meanColour(picture, token, length, gridSize);
    token += length;
    return `<rect ${place} fill="${colour}" stroke="${colours.patch}" stroke-width="2.5"/>`;
  }).join('');
}

/** Mean colour of the tokens of a patch. */
function meanColour({ width, data }: Picture, token: number, length: number, gridSize: number): string {
  const side = width / gridSize;
  const [left, top] = [(token % gridSize) * side, Math.floor(token / gridSize) * side];
  const sum = [0, 0, 0];
  for (let y = top; y < top + side; y++) {
    for (let x = left; x < left + length * side; x++) {
      for (const channel of [0, 1, 2]) sum[channel] = (sum[channel] ?? 0) + (data[4 * (y * width + x) + channel] ?? 0);
    }
  }
  return `rgb(${sum.map((value) => Math.round(value / (length * side * side))).join()})`;
}

const arrow = (x: number, y: number): string =>
  `<path d="M${x - 7} ${y - 13}l14 13l-14 13" fill="none" stroke="${colours.soft}" stroke-width="5" stroke-linecap="round" stroke-linejoin="round"/>`;

/** Colours of the entropies, from 0 to the brightest. */
function scale(left: number, top: number, brightest: number): string {
  const steps = 46;
  const bars = Array.from(
    { length: steps },
    (_, i) =>
      `<rect x="${left + 4 * i}" y="${top}" width="4.5" height="24" fill="rgb(${heatColour(i / (steps - 1)).join()})"/>`,
  );
  return (
    bars.join('') +
    label(`0 to ${brightest} nats`, { x: left + 4 * steps + 14, y: top + 20, size: 22, colour: colours.soft })
  );
}
