import { readFileSync } from 'node:fs';
import { patternImage } from '@dpar/fixtures';
import { expect, it } from 'vitest';
import { type ByteFilter, resizeBytes } from './resize-bytes.js';

interface Reference {
  readonly filter: ByteFilter;
  /** Width and height. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly values: readonly number[];
}

/** Computed by Pillow 12.3 from the image that `patternImage` makes. */
const references: readonly Reference[] = JSON.parse(
  readFileSync(new URL('resize-bytes-values.json', import.meta.url), 'utf8'),
);

it.each(references)("$filter from $from to $to gives Pillow's bytes", ({ filter, from, to, values }) => {
  const [width, height] = to;
  const resized = resizeBytes(patternImage(...from), { width, height }, filter);
  expect(resized).toMatchObject({ width, height });
  expect([...resized.data]).toEqual(values);
});

it('refuses an image without the bytes of its size', () => {
  const image = { width: 2, height: 2, data: new Uint8Array(11) };
  expect(() => resizeBytes(image, { width: 1, height: 1 }, 'box')).toThrow('got 2x2 with 11 bytes');
});
