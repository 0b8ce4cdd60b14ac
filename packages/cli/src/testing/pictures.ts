import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@dpar/tensor';
import { encode } from 'fast-png';

/** Draws grainy pictures of coloured stripes and squares into `stripes/` and `squares/`: half of the count each, all different. */
export async function drawPictures(folder: string, count: number, size = 40): Promise<void> {
  const random = createRandom(5, 0);
  for (let i = 0; i < count; i++) {
    const isStripes = i % 2 === 0;
    const [red, green, blue] = [random.integer(200), random.integer(200), random.integer(200)];
    const [width, start] = [4 + random.integer(6), random.integer(12)];
    const data = new Uint8Array(3 * size * size).fill(255);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const inside = [x, y].every((at) => at >= start && at < start + 3 * width);
        const drawn = isStripes ? (y + start) % (2 * width) < width : inside;
        const grain = random.integer(24);
        const color = drawn ? [red, green, blue] : [230, 230, 230];
        data.set(
          color.map((part) => part + grain),
          3 * (y * size + x),
        );
      }
    }
    const place = join(folder, isStripes ? 'stripes' : 'squares');
    await mkdir(place, { recursive: true });
    await writeFile(join(place, `${i}.png`), encode({ width: size, height: size, data, channels: 3, depth: 8 }));
  }
}

/** Settings of a run of some seconds: all its steps, a size, and a resolution. */
export const tinyCreate = [
  ...['--size', 'XS', '--resolution', '32', '--minutes', '1', '--threads', '1'],
  ...[
    '--set',
    'tokenizer.steps=6',
    '--set',
    'entropy.steps=6',
    '--set',
    'dpar.steps=9',
    '--set',
    'dpar.samples.count=2',
  ],
];
