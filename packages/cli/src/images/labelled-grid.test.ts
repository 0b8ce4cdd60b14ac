import { Grid, gridLayout } from '@dpar/pipeline';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { gridLabels, labelledGrid } from './labelled-grid.js';
import { textPen } from './text.js';

const names = [
  'cat',
  'Animals & Nature',
  'Flags',
  '日本',
  'an exceptionally long name of a class that no picture has room for',
];

/** A grid of black images, with its bytes. */
function blackGrid(images: number, columns: number, size: number) {
  const grid = new Grid(gridLayout(images, columns, size));
  grid.draw(0, { data: new Uint8Array(3 * size * size * images), size });
  return { grid, plain: decode(grid.png()) };
}

/** The parts of a labelled picture: the grid at the bottom right, and what is beside it. */
async function labelled(images: number, columns: number, size: number, labels: number[]) {
  const { grid, plain } = blackGrid(images, columns, size);
  const found = gridLabels(labels, columns, names);
  if (found === undefined) throw new Error('expected labels');
  const { width, height, data, channels } = decode(await labelledGrid(grid.picture, found));
  expect(channels).toBe(3);
  const [left, top] = [width - plain.width, height - plain.height];
  const at = (x: number, y: number) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
  const inGrid = Array.from({ length: plain.width * plain.height }, (_, i) =>
    at(left + (i % plain.width), top + Math.floor(i / plain.width)),
  ).flat();
  expect(inGrid).toEqual([...plain.data]);
  /** Dark pixels of the labels, [x, y]. */
  const ink: [number, number][] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if ((x < left || y < top) && (at(x, y)[0] ?? 255) < 128) ink.push([x, y]);
  }
  return { side: found.side, left, top, ink };
}

describe('gridLabels', () => {
  const [cat, nature, flags] = names.map((name, number) => ({ key: `${number}`, name }));

  it('labels columns or else rows of one class each', () => {
    expect(gridLabels([0, 1, 2, 0, 1, 2, 0], 3, names)).toEqual({ side: 'columns', classes: [cat, nature, flags] });
    expect(gridLabels([2, 2, 0, 0, 1], 2, names)).toEqual({ side: 'rows', classes: [flags, cat, nature] });
    expect(gridLabels([1], 1, names)).toEqual({ side: 'columns', classes: [nature] });
    expect(gridLabels([2, 2, 2], 2, names)).toEqual({ side: 'columns', classes: [flags, flags] });
  });

  it('labels prompts with their words', () => {
    const prompts = [[2, 0], 1, [2, 0], 1];
    const worded = gridLabels(prompts, 2, names)?.classes;
    expect(worded).toEqual([{ key: '2+0', name: `${names[2]} ${names[0]}` }, nature]);
  });

  it('labels nothing in other grids, or without names', () => {
    expect(gridLabels([0, 1, 2, 0], 2, names)).toBeUndefined();
    expect(gridLabels([0, 1, 0, 1], 2, undefined)).toBeUndefined();
    expect(gridLabels([0, 9, 0, 9], 2, names)).toBeUndefined();
  });
});

describe('labelledGrid', () => {
  it('writes names over columns, and leaves the grid as it is', async () => {
    const { side, left, top, ink } = await labelled(4, 2, 64, [0, 2, 0, 2]);
    expect([side, left]).toEqual(['columns', 0]);
    expect(top).toBeLessThan(24);
    // Ink over the middle of both columns, and none between them.
    const columns = [0, 1].map((i) => ink.filter(([x]) => Math.abs(x - (34 + 66 * i)) < 20).length);
    for (const count of columns) expect(count).toBeGreaterThan(20);
    expect(ink).toHaveLength((columns[0] ?? 0) + (columns[1] ?? 0));
  });

  it('breaks names between words, and turns those that are too wide', async () => {
    const broken = await labelled(4, 2, 64, [1, 2, 1, 2]);
    expect(broken.top).toBeGreaterThan(26);
    expect(broken.top).toBeLessThan(50);
    const turned = await labelled(4, 2, 16, [1, 2, 1, 2]);
    const [first, second] = [0, 1].map((i) => ink(turned, 18 * i, 18 * i + 18));
    // A long name is higher than a short one, and both begin at the grid.
    for (const pixels of [first, second])
      expect(turned.top - Math.max(...(pixels ?? []).map(([, y]) => y))).toBeLessThan(8);
    expect(height(first)).toBeGreaterThan(2 * height(second));
  });

  it('writes names before rows, ended by an ellipsis if they are long', async () => {
    const { side, left, top, ink } = await labelled(4, 2, 64, [0, 0, 4, 4]);
    expect([side, top]).toEqual(['rows', 0]);
    expect(left).toBeLessThan(16 * 11 + 8);
    const rows = [0, 1].map((i) => ink.filter(([, y]) => Math.abs(y - (34 + 66 * i)) < 10));
    expect(rows.flat()).toHaveLength(ink.length);
    expect(rows[1]?.length).toBeGreaterThan(3 * (rows[0]?.length ?? 0));
    expect(left - Math.max(...ink.map(([x]) => x))).toBeLessThan(8);
  });

  it('writes the number of a class whose name the font lacks', async () => {
    const pen = await textPen(12);
    expect(names.map(pen.has)).toEqual([true, true, true, false, true]);
    expect(['Äpfel', 'Яблоко', 'μήλο', 'Táo'].every(pen.has)).toBe(true);
    const [chinese, number] = [await labelled(2, 1, 64, [3, 3]), await labelled(2, 1, 64, [0, 0])];
    expect(chinese.ink.length).toBeGreaterThan(10);
    expect(chinese.ink).not.toEqual(number.ink);
  });
});

type Pixels = readonly (readonly [number, number])[];
const ink = ({ ink }: { ink: Pixels }, from: number, to: number): Pixels => ink.filter(([x]) => x >= from && x < to);
const height = (pixels: Pixels = []): number =>
  Math.max(...pixels.map(([, y]) => y)) - Math.min(...pixels.map(([, y]) => y));
