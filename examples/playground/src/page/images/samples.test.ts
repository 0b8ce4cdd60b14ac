import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { samples } from './samples.js';

it('gives each sample the class that Unicode puts it into', () => {
  const table = new URL('../../../node_modules/emoji-datasource-google/emoji.json', import.meta.url);
  const emoji: { image: string; category: string }[] = JSON.parse(readFileSync(fileURLToPath(table), 'utf8'));
  const categories = new Map(emoji.map(({ image, category }) => [image, category]));
  for (const { name, url, className } of samples) {
    expect([name, className]).toEqual([
      name,
      categories.get((url.split('?')[0] as string).split('/').at(-1) as string),
    ]);
  }
});
