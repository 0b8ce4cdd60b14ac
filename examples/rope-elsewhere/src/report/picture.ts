import { fullSettings } from '../variants.js';
import { loadDigits, type Picture, placeOn } from '../vision/digits.js';
import { patchSize, type Tokens, tokenize } from '../vision/tokens.js';

/** Height and width of a patch in the drawing. */
const cell = 44;

/** Drawing of a test digit, a five, as the comparison sees it. */
export async function examplePicture(): Promise<string> {
  const { test } = await loadDigits();
  const digit = test.pictures[test.labels.indexOf(5) + 3];
  if (!digit)
    throw new Error(
      'examplePicture: expected at least 4 fives among the test digits, got fewer. Reinstall the package mnist.',
    );
  const picture = placeOn(...fullSettings.size, digit, 0, 9);
  return drawPositions(picture, tokenize(picture, undefined), tokenize(picture, fullSettings.tolerance));
}

/** Two drawings of a picture side by side: all patches and merged patches, each with its position. */
function drawPositions(picture: Picture, patches: Tokens, merged: Tokens): string {
  const [width, height] = [patches.gridWidth * cell, patches.gridHeight * cell];
  const [gap, top] = [36, 34];
  const panel = (left: number, title: string, tokens: Tokens): string =>
    `<g transform="translate(${left} ${top})"><text class="title" y="-12">${title}</text>` +
    `${pixels(picture)}${boxes(tokens)}</g>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="positions" viewBox="0 0 ${2 * width + gap + 4} ${height + top + 4}" role="img" ` +
    'aria-label="A handwritten digit as equal patches, and as merged patches with row and columns of each">' +
    '<style>.positions text{font:12px system-ui,sans-serif;text-anchor:middle;dominant-baseline:central}' +
    '.positions .title{font-size:16px;text-anchor:start;dominant-baseline:auto;fill:#7a7a7a}' +
    '.positions .box{fill:none;stroke:#3d8bfd;stroke-width:1.5}' +
    '.positions .run{fill:#f0883e33;stroke:#f0883e;stroke-width:2}' +
    '.positions .label{fill:#fff;stroke:#000;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}</style>' +
    panel(2, `${patches.lengths.length} patches: (row, column)`, patches) +
    panel(width + gap + 2, `${merged.lengths.length} tokens: (row, first–last column)`, merged) +
    '</svg>\n'
  );
}

function pixels({ height, width, pixels }: Picture): string {
  const size = cell / patchSize;
  let drawn = `<rect width="${width * size}" height="${height * size}" fill="#000"/>`;
  pixels.forEach((value, i) => {
    if (value === 0) return;
    const grey = Math.round(255 * value);
    const [x, y] = [(i % width) * size, Math.floor(i / width) * size];
    drawn += `<rect x="${x}" y="${y}" width="${size}" height="${size}" fill="rgb(${grey},${grey},${grey})"/>`;
  });
  return drawn;
}

function boxes({ gridWidth, lengths }: Tokens): string {
  let next = 0;
  return lengths
    .map((length) => {
      const start = next;
      next += length;
      return { length, start };
    })
    .sort((a, b) => a.length - b.length) // the frames of runs over the others
    .map(({ length, start }) => {
      const [row, first] = [Math.floor(start / gridWidth), start % gridWidth];
      const [x, y] = [first * cell, row * cell];
      const columns = length > 1 ? `${first}–${first + length - 1}` : `${first}`;
      return (
        `<rect class="${length > 1 ? 'run' : 'box'}" x="${x}" y="${y}" width="${length * cell}" height="${cell}"/>` +
        `<text class="label" x="${x + (length * cell) / 2}" y="${y + cell / 2}">${row}, ${columns}</text>`
      );
    })
    .join('');
}
