import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPyTorch, readSafetensors, writeCheckpoint, writeClassNames } from '@dpar/io/node';
import { type ImageModel, initializeParameters } from '@dpar/nn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportPyTorch } from './export-pytorch.js';
import { exportSafetensors } from './export-safetensors.js';
import { importCheckpoint } from './import.js';
import { tinyModel } from './testing/tiny.js';

const names = ['cat', 'tench, Tinca tinca', '10-20', '"Ärger"', '日本'];
let folder = '';
let from = '';
let to = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-classes-'));
  [from, to] = [join(folder, 'from'), join(folder, 'to')];
  await write(tinyModel('llamagen', { num_classes: 5 }), from);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function write({ kind, config }: Pick<ImageModel, 'kind' | 'config'>, path: string): Promise<void> {
  await writeCheckpoint(path, kind.writeConfig(config), initializeParameters(kind.specs(config), 1));
}

const config = async () => JSON.parse(await readFile(join(from, 'config.json'), 'utf8'));
const namesIn = async (path: string) => JSON.parse(await readFile(join(path, 'classes.json'), 'utf8'));

describe('names of classes', () => {
  it('travel in a PyTorch file', async () => {
    await writeClassNames(from, names);
    const file = join(folder, 'elsewhere.pt');
    expect((await exportPyTorch(from, file)).leftOut).toEqual([]);
    const opened = await openPyTorch(file);
    await opened.close();
    expect((opened.value as Map<string, unknown>).get('classes')).toEqual(names);
    const { files, classes } = await importCheckpoint(file, to);
    expect([classes, files]).toEqual([names, ['classes.json', 'config.json', 'model.safetensors']]);
    expect(await namesIn(to)).toEqual(names);
  });

  it.each([undefined, 4000])(
    'travel in the metadata of safetensors, in files of %s bytes',
    async (maximumShardBytes) => {
      await writeClassNames(from, names);
      const file = join(folder, 'elsewhere.safetensors');
      expect((await exportSafetensors(from, file, { maximumShardBytes })).leftOut).toEqual(['config.json']);
      const input = maximumShardBytes ? `${file}.index.json` : file;
      const { classes } = await importCheckpoint(input, to, { config: await config() });
      expect(classes).toEqual(names);
      expect(await namesIn(to)).toEqual(names);
      expect((await readSafetensors(join(to, 'model.safetensors'))).metadata).not.toHaveProperty('classes');
    },
  );

  it('are files of folders, also if the list is beside the folder', async () => {
    await writeClassNames(folder, names);
    await exportSafetensors(from, to);
    expect(await namesIn(to)).toEqual(names);
    const again = join(folder, 'again', 'deep');
    expect((await importCheckpoint(to, again)).classes).toEqual(names);
  });

  it('are found beside a file if there is one for each class', async () => {
    const place = join(folder, 'place');
    await mkdir(place);
    const file = join(place, 'model.safetensors.bin');
    await cp(join(from, 'model.safetensors'), file);
    const settings = Object.entries(await config()).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const load = () => importCheckpoint(file, to, { settings });
    expect(await load()).toMatchObject({ classes: undefined, leftOut: [] });
    await writeClassNames(place, names);
    expect(await load()).toMatchObject({ classes: names, leftOut: [] });
    await writeClassNames(place, names.slice(1));
    expect(await load()).toMatchObject({
      classes: undefined,
      leftOut: [expect.stringMatching(/^4 names of classes in '.*classes\.json' for 5 classes$/)],
    });
    await writeFile(join(place, 'classes.json'), '{');
    expect((await load()).leftOut).toEqual([expect.stringContaining('got damaged JSON')]);
    expect(await readdir(to)).not.toContain('classes.json');
  });

  it('are those that are given, which must fit', async () => {
    await writeClassNames(from, names);
    const file = join(folder, 'model.pt');
    await exportPyTorch(from, file);
    const given = ['a', 'b', 'c', 'd', 'e'];
    expect((await importCheckpoint(file, to, { classes: given })).classes).toEqual(given);
    await expect(importCheckpoint(file, join(folder, 'no'), { classes: [...given, 'f'] })).rejects.toThrow(
      'expected at most 5 names for the 5 classes of the model, got 6. Correct the list.',
    );
    await expect(importCheckpoint(file, join(folder, 'no'), { classes: ['a', 'a'] })).rejects.toThrow(
      "got 'a' as classes 0 and 1",
    );
    await write(tinyModel('entropy'), from);
    await exportPyTorch(from, file);
    await expect(importCheckpoint(file, join(folder, 'no'), { classes: given })).rejects.toThrow(
      "expected no names of classes for a model of kind 'entropy'",
    );
    expect(await readdir(folder)).not.toContain('no');
  });
});
