import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { describe, expect, it } from 'vitest';
import { checkClassNames, readCheckpointClasses, writeClassNames } from './class-names.js';

describe('checkClassNames', () => {
  it.each([
    [['cat', 'dog', 'cat'], "'cat' as classes 0 and 2"],
    [['cat', ''], '"" as class 1'],
    [['a\\b'], '"a\\\\b" as class 0'],
    [['a//b'], '"a//b" as class 0'],
    [['a/..'], '"a/.." as class 0'],
    [['.git'], '".git" as class 0'],
    [['cat', '/red', 'dog'], "the word '/red' before the class 'dog'"],
    [['/'], '"/" as class 0'],
    [['cat', '/a/b'], '"/a/b" as class 1'],
    [['cat', 3], '3 as class 1'],
    [{ cat: 0 }, 'an object'],
    [[], 'an empty list'],
    ['cat', 'string'],
    [null, 'null'],
  ])('refuses %j', (value, got) => {
    expect(() => checkClassNames('list', value)).toThrow(`in 'list', got ${got}. Correct or remove it.`);
  });
});

it('takes words, which begin with a slash', () => {
  expect(checkClassNames('list', ['a/cat', '/cat', '/red']).names).toEqual(['a/cat', '/cat', '/red']);
});

it('names beside the folder of a checkpoint count if there are as many as classes', async () => {
  const folder = await temporaryFolder();
  const checkpoint = join(folder, 'dpar');
  await mkdir(checkpoint);
  await writeClassNames(folder, ['cat', 'dog']);
  expect((await readCheckpointClasses(checkpoint, 2))?.names).toEqual(['cat', 'dog']);
  expect(await readCheckpointClasses(checkpoint, 3)).toBeUndefined();
});
