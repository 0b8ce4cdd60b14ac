import { Chalk } from 'chalk';
import { expect, it } from 'vitest';
import { preview } from './preview.js';

it('shows two pixels in a character, white where there is none', async () => {
  const [red, blue, clear] = [
    [255, 0, 0, 255],
    [0, 0, 255, 255],
    [0, 0, 0, 0],
  ] as const;
  const data = Uint8Array.from([red, blue, blue, red, clear, red].flat());
  const text = await preview({ width: 2, height: 3, data }, 80, new Chalk({ level: 3 }));
  const cell = (upper: string, lower: string) => `\u001b[38;2;${upper}m\u001b[48;2;${lower}m▀\u001b[49m\u001b[39m`;
  const [r, b, w] = ['255;0;0', '0;0;255', '255;255;255'];
  expect(text).toBe(`${cell(r, b)}${cell(b, r)}\n${cell(w, w)}${cell(r, w)}`);
});

it('fits into the terminal', async () => {
  const data = new Uint8Array(4 * 100 * 40).fill(255);
  const text = await preview({ width: 100, height: 40, data }, 50, new Chalk({ level: 0 }));
  expect(text).toBe(Array(10).fill('▀'.repeat(50)).join('\n'));
});
