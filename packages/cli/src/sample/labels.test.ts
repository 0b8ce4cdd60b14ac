import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { readCheckpoint, writeCheckpoint } from '@dpar/io/node';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { failingSample, sample, tokenizerFolder } from '../testing/sampling.js';

describe('dpar sample --labels', () => {
  /** A folder, and options of a model with names of classes in it. */
  async function named() {
    const folder = await temporaryFolder();
    const { config, parameters } = await readCheckpoint(fixturePath('llamagen'));
    const checkpoint = join(folder, 'model');
    await writeCheckpoint(checkpoint, config, parameters);
    await writeFile(join(checkpoint, 'classes.json'), '["cat", "10-20", "tench, Tinca tinca", "x"]');
    const argv = ['--checkpoint', checkpoint, '--tokenizer', await tokenizerFolder(), '--guidance-scale', '1'];
    return { folder, argv };
  }

  it('writes names over the columns of the grid that it draws without', async () => {
    const { folder, argv } = await named();
    const [plain, labelled] = [join(folder, 'plain.png'), join(folder, 'labelled.png')];
    const classes = ['--classes', 'cat,"10-20",4', '--count', '6'];
    await sample(...argv, ...classes, '--output', plain);
    await sample(...argv, ...classes, '--labels', '--output', labelled);
    const [a, b] = [decode(await readFile(plain)), decode(await readFile(labelled))];
    expect([a.width, a.height]).toEqual([56, 38]);
    expect(b.width).toBe(56);
    expect(b.height).toBeGreaterThan(48);
    const top = 3 * b.width * (b.height - a.height);
    expect(b.data.subarray(top)).toEqual(a.data);
    expect(b.data.subarray(0, top).some((value) => value < 100)).toBe(true);
  });

  it.each([
    [['--classes', 'cat', '--output', 'x.npz'], '--labels: expected a grid (--output FILE.png)'],
    [
      ['--classes', '0,0,1,2', '--output', 'x.png'],
      '--labels: expected a grid with one class in each column or row, got 4',
    ],
    [
      ['--classes', '0', '--checkpoint', fixturePath('llamagen'), '--output', 'x.png'],
      '--labels: expected names of classes',
    ],
  ])('needs a grid of lines of one class, and names: %j', async (more, message) => {
    const { argv } = await named();
    const { status, stderr } = await failingSample([...argv, '--labels', ...more]);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
