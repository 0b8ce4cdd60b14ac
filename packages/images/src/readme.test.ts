import { chdir, cwd } from 'node:process';
import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { randomImages, writePngs } from '@dpar/fixtures';
import { expect, it } from 'vitest';
import * as node from './node.js';

it('prints what the README says', async () => {
  const [example = ''] = readmeExamples(new URL('../README.md', import.meta.url));
  const before = cwd();
  chdir(await temporaryFolder());
  try {
    await writePngs('photos', randomImages(6, 1, 100, 80), (i) => `${i % 2 ? 'dog' : 'cat'}/${i}.png`);
    expect(expectedOutput(example)).not.toBe('');
    expect(await printedBy(example, { '@dpar/images/node': node })).toBe(expectedOutput(example));
  } finally {
    chdir(before);
  }
});
