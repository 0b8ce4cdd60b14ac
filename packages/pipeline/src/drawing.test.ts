import { expect, it } from 'vitest';
import { Drawing, eraseUndrawn } from './drawing.js';

it('collects steps of several images', () => {
  const drawing = new Drawing(2, 4);
  const step = (images: number[], positions: number[], tokens: number[], starts: number[]) =>
    drawing.add({
      images: Int32Array.from(images),
      positions: Int32Array.from(positions),
      tokens: Int32Array.from(tokens),
      startsPatch: Uint8Array.from(starts),
    });
  step([0, 0, 1], [0, 1, 0], [5, 6, 7], [1, 1, 1]);
  step([0], [2], [8], [0]);
  expect([...drawing.tokens]).toEqual([5, 6, 8, 0, 7, 0, 0, 0]);
  expect([...drawing.drawn]).toEqual([3, 1]);
  expect(drawing.done).toBe(4);
  expect(drawing.patchLengths().map((lengths) => [...lengths])).toEqual([[1, 2], [1]]);
});

it('paints white what is not drawn', () => {
  const bytes = new Uint8Array(2 * 4 * 4 * 3); // two images of 2x2 tokens of 2x2 pixels
  eraseUndrawn(bytes, [1, 3], 2);
  const rows = Array.from({ length: 8 }, (_, y) =>
    Array.from({ length: 4 }, (_, x) => (bytes[3 * (4 * y + x) + 2] === 255 ? '.' : '#')).join(''),
  );
  expect(rows).toEqual(['##..', '##..', '....', '....', '####', '####', '##..', '##..']);
});
