import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { emojiFolder } from '@dpar/emoji/node';
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { sample } from '../testing/sampling.js';

it('draws with the weights of @dpar/emoji', async () => {
  const output = join(await temporaryFolder(), 'grid.png');
  const folders = {
    '--checkpoint': join(emojiFolder, 'dpar'),
    '--entropy-checkpoint': join(emojiFolder, 'entropy'),
    '--tokenizer': join(emojiFolder, 'tokenizer'),
  };
  const settings = ['--classes', '0,1,2', '--guidance-scale', '1.5', '--top-p', '0.98'];
  const { images } = await sample(...Object.entries(folders).flat(), ...settings, '--output', output);
  expect(images).toBe(3);
  const { width, height, data } = decode(await readFile(output));
  expect([width, height]).toEqual([134, 134]); // two rows of two 64-pixel images, 2 pixels between them
  const at = (x: number, y: number) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
  expect(at(133, 133)).toEqual([255, 255, 255]);
  expect(new Set(data).size).toBeGreaterThan(50);
});
