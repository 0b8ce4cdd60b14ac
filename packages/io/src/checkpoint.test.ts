import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { float32, isDparError } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { parseSafetensors } from './safetensors.js';
import { writeSafetensors } from './safetensors-file.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-checkpoint-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a checkpoint', () => {
  it('of the fixtures is read, and written again the same', async () => {
    const source = fixturePath('dpar-dynamic4d');
    const { config, parameters } = await readCheckpoint(source);
    expect(config).toEqual(JSON.parse(readFileSync(join(source, 'config.json'), 'utf8')));
    expect(Object.keys(parameters)).toContain('cls_embedding.embedding_table.weight');
    const path = join(folder, 'copy');
    await writeCheckpoint(path, config, parameters);
    expect(readdirSync(path).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(await readCheckpoint(path)).toEqual({ config, parameters });
  });

  it('is written in half precision and with more files on request', async () => {
    const path = join(folder, 'half');
    await writeCheckpoint(
      path,
      { kind: 'dpar' },
      { w: float32([2], [1, 0.1]) },
      {
        dtype: 'BF16',
        metadata: { step: '7' },
        more: async (partial) => writeFileSync(join(partial, 'state.json'), '{}'),
      },
    );
    expect(readFileSync(join(path, 'config.json'), 'utf8')).toBe('{\n  "kind": "dpar"\n}\n');
    expect(readdirSync(path).sort()).toEqual(['config.json', 'model.safetensors', 'state.json']);
    expect(parseSafetensors(readFileSync(join(path, 'model.safetensors')))).toMatchObject({ metadata: { step: '7' } });
    const { parameters } = await readCheckpoint(path);
    expect(parameters.w).toEqual(float32([2], [1, 0.10009765625]));
    expect(parameters.toString).toBeUndefined();
  });

  it('is read with the weights of another file on request', async () => {
    const path = join(folder, 'average');
    const more = (partial: string) => writeSafetensors(join(partial, 'average.safetensors'), { w: float32([1], [2]) });
    await writeCheckpoint(path, {}, { w: float32([1], [1]) }, { more });
    const { parameters } = await readCheckpoint(path, { weights: 'average.safetensors' });
    expect(parameters.w).toEqual(float32([1], [2]));
    await expect(readCheckpoint(path, { weights: 'other.safetensors' })).rejects.toThrow(
      'got none named other.safetensors',
    );
  });

  it('that a crash left beside its place is found', async () => {
    const path = join(folder, 'crashed');
    await writeCheckpoint(path, { step: 1 }, {});
    renameSync(path, join(folder, '.crashed.previous-0123456789abcdef'));
    expect((await readCheckpoint(path)).config).toEqual({ step: 1 });
  });

  it.each([
    ['no folder', undefined, 'no such folder'],
    ['an empty folder', {}, 'none named config.json or model.safetensors'],
    ['no config', { 'model.safetensors': '' }, 'none named config.json.'],
    ['no parameters', { 'config.json': '{}' }, 'none named model.safetensors.'],
    ['a config that is cut', { 'config.json': '{"a":', 'model.safetensors': '' }, 'config.json'],
    ['a config that is a list', { 'config.json': '[1]', 'model.safetensors': '' }, 'it is a list'],
    ['a config with a key twice', { 'config.json': '{"a":1,\n"a":2}', 'model.safetensors': '' }, 'twice'],
    ['parameters that are cut', { 'config.json': ' {}\n', 'model.safetensors': '\u0002\0\0' }, 'at least 8 bytes'],
    [
      'text for parameters',
      { 'config.json': '{}', 'model.safetensors': 'Not Found' },
      'expected a safetensors file, got text, "Not Found"',
    ],
    [
      'a pointer for a config',
      { 'config.json': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n', 'model.safetensors': '' },
      'got a Git LFS pointer to a file of 7 bytes. Fetch the file itself: git lfs pull.',
    ],
  ])('with %s is refused', async (name, files, message) => {
    const path = join(folder, name.replaceAll(' ', '-'));
    if (files !== undefined) mkdirSync(path);
    for (const [file, text] of Object.entries<string>({ ...files })) writeFileSync(join(path, file), text);
    const error = await readCheckpoint(path).catch((reason: unknown) => reason);
    expect(isDparError(error)).toBe(true);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toContain(path);
  });

  it('is not read from a file', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(readCheckpoint(join(folder, 'file'))).rejects.toThrow('no such folder');
  });
});
