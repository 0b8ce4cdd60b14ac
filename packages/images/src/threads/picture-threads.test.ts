import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from '@dpar/config/bundle';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { randomImages, writePngs } from '@dpar/fixtures';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPictureThreads } from './picture-threads.js';

async function openBundled(count: number) {
  const program = await bundle(new URL('./picture-worker.ts', import.meta.url), await temporaryFolder());
  const threads = openPictureThreads(count, pathToFileURL(program));
  onTestFinished(() => threads.close());
  return threads;
}

describe('openPictureThreads', () => {
  it('does tasks in threads of their own', async () => {
    const folder = await temporaryFolder();
    const images = randomImages(5, 2, 9, 7);
    await writePngs(folder, images, (i) => `${i}.png`);
    const threads = await openBundled(2);
    const paths = images.map((_, i) => join(folder, `${i}.png`));
    const decoded = await Promise.all(paths.map((path) => threads.run('picture', { path, reading: {} })));
    expect(decoded).toEqual(images);
    const crops = { crop: 'center', flip: true, size: 4, cropRange: 1 } as const;
    const squares = await threads.run('crops', { path: paths[0] ?? '', reading: {}, crops });
    expect(squares.map(({ width, height, data }) => [width, height, data.length])).toEqual([
      [4, 4, 48],
      [4, 4, 48],
    ]);
  });

  it('throws what goes wrong in a thread, and goes on', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'a.png');
    await writeFile(path, 'no picture');
    const threads = await openBundled(1);
    await expect(threads.run('picture', { path, reading: {} })).rejects.toThrow(
      `expected an image in '${path}', got text`,
    );
    expect(await threads.run('inspection', { path })).toMatchObject({ name: path, damage: 'text, "no picture"' });
  });

  it('says that a thread has ended', async () => {
    const threads = openPictureThreads(1, new URL('data:text/javascript,throw new Error("no memory")'));
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(threads.run('inspection', { path: 'a.png' })).rejects.toThrow(
        'expected a thread that reads image files, got: no memory. Use fewer threads, or more memory.',
      );
    }
  });
});
