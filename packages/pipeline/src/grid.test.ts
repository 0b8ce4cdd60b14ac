import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { Grid, gridColumns, gridLayout } from './grid.js';

it('draws batches of images into a grid, row by row', () => {
  const layout = gridLayout(3, 2, 1);
  const grid = new Grid(layout);
  grid.draw(1, { data: Uint8Array.of(4, 5, 6, 7, 8, 9), size: 1 });
  grid.draw(0, { data: Uint8Array.of(1, 2, 3), size: 1 });
  const { width, height, data } = decode(grid.png());
  expect([width, height]).toEqual([8, 8]);
  const at = (x: number, y: number) => [...data.subarray(3 * (8 * y + x), 3 * (8 * y + x) + 3)];
  expect([at(2, 2), at(5, 2), at(2, 5), at(5, 5)]).toEqual([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
    [255, 255, 255],
  ]);
});

it('has a column for each class while that is readable', () => {
  expect(gridColumns(32, 8)).toBe(8);
  expect(gridColumns(8, 8)).toBe(3);
  expect(gridColumns(100, 50)).toBe(10);
});

it('refuses more images than viewers open in one picture', () => {
  expect(() => gridLayout(50_000, 224, 256)).toThrow('expected a grid of at most 32768 pixels a side, got 57794 x');
});
