import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { emojiFolder } from '@dpar/emoji/node';
import { fixturePath } from '@dpar/fixtures';
import { readCheckpoint, writeCheckpoint } from '@dpar/io/node';
import { describe, expect, it } from 'vitest';
import { readTensors } from '../input-files.js';
import { failingSample, sample } from '../testing/sampling.js';
import { classList, resolveClasses } from './classes.js';

/** The numbers of a list for a model of five classes, and what is noted. */
async function resolve(text: string, names?: readonly string[]) {
  const folder = await temporaryFolder();
  if (names !== undefined) await writeFile(join(folder, 'classes.json'), JSON.stringify(names));
  const notes: string[] = [];
  const numbers = await resolveClasses(classList.parse(text), folder, 5, { note: (note) => notes.push(note) });
  return { numbers, notes };
}

describe('--classes', () => {
  const names = ['cat', 'Animals & Nature', 'tench, Tinca tinca', '10-20', '0'];

  it.each([
    ['1,3,4', [1, 3, 4]],
    ['cat', [0]],
    ['Animals & Nature, cat ,1-2', [1, 0, 1, 2]],
    ['cat,tench, Tinca tinca,cat', [0, 2, 0]],
    ['4,cat,3-4', [4, 0, 3, 4]],
    ['"10-20",1', [3, 1]],
    ['"0", "tench, Tinca tinca" ,cat', [4, 2, 0]],
    ['1,"0","cat"', [1, 4, 0]],
  ])('%j', async (text, numbers) => {
    expect(await resolve(text, names)).toEqual({ numbers, notes: [] });
  });

  it('takes a group for its classes, and the name within a group', async () => {
    const grouped = ['Flags/country', 'Food & Drink/fruit', 'Flags/other', 'Food & Drink/sweet, sour', 'cat'];
    expect((await resolve('Flags,cat', grouped)).numbers).toEqual([0, 2, 4]);
    expect((await resolve('sweet, sour,fruit,Food & Drink', grouped)).numbers).toEqual([3, 1, 1, 3]);
    await expect(resolve('Flag', grouped)).rejects.toThrow("got 'Flag'");
  });

  it('takes a text for a prompt, and says which words the model does not know', async () => {
    const worded = ['Food/red, hot', 'Food/fruit', '/red', '/heart', '/cat'];
    expect(await resolve('red heart,Food,"Heart, cat"', worded)).toEqual({
      numbers: [[2, 3], 0, 1, [3, 4]],
      notes: [],
    });
    // A name comes before a prompt, also where it has commas.
    expect((await resolve('red, hot,red,heart', worded)).numbers).toEqual([0, 2, 3]);
    expect(await resolve('a blue heart', worded)).toEqual({
      numbers: [[3]],
      notes: ["--classes: the model does not know 'a', 'blue', and draws the other words of 'a blue heart'"],
    });
    await expect(resolve('blue sky', worded)).rejects.toThrow("got 'blue sky'. The nearest names are");
  });

  it('takes a number as a number, and says so where it is the name of another class', async () => {
    expect(await resolve('0', names)).toEqual({
      numbers: [0],
      notes: ['--classes: 0 means class 0, not class 4, which has that name; write "0" in double quotes for the name'],
    });
    expect(await resolve('1,2', ['0', '1', '2', '3', '4'])).toEqual({ numbers: [1, 2], notes: [] });
  });

  it('reads quotes in names', async () => {
    const quotes = ['say "hi"', '"x"', 'a "b", c', '', ''].map((name, i) => name || `class ${i}`);
    expect((await resolve('say "hi",class 3', quotes)).numbers).toEqual([0, 3]);
    expect((await resolve('"""x""","a ""b"", c"', quotes)).numbers).toEqual([1, 2]);
    expect((await resolve('a "b", c', quotes)).numbers).toEqual([2]);
    await expect(resolve('"x"', quotes)).rejects.toThrow("got 'x'. The nearest names are");
  });

  it('suggests the nearest names of an unknown one', async () => {
    await expect(resolve('Cat', names)).rejects.toThrow("got 'Cat'. The nearest names are 'cat'");
    await expect(resolve('0,nature', names)).rejects.toThrow("got 'nature'. The nearest names are 'Animals & Nature'");
    await expect(resolve('cat')).rejects.toThrow(/got 'cat'. '.*' has no names of classes. Write them to its/);
  });

  it.each(['1,,2', '', ',', '3-1', '0-999999999', '--greedy'])('refuses %j', (text) => {
    expect(() => classList.parse(text)).toThrow(`expected whole numbers separated by commas`);
  });
});

it('are those of the checkpoint, or of the folder that it lies in', async () => {
  const folder = await temporaryFolder();
  const { config, parameters } = await readCheckpoint(fixturePath('llamagen'));
  const checkpoint = join(folder, 'models/llamagen');
  await mkdir(join(folder, 'models'));
  await writeCheckpoint(checkpoint, config, parameters);
  await writeFile(join(folder, 'models/classes.json'), '["a", "b", "c", "d", "e"]');
  const output = join(folder, 'out.safetensors');
  const argv = ['--checkpoint', checkpoint, '--output', output];
  await sample(...argv, '--classes', 'c,0');
  expect([...((await readTensors(output)).labels?.data ?? [])]).toEqual([2, 0]);
  await writeFile(join(checkpoint, 'classes.json'), '["c", "b", "a"]');
  await sample(...argv, '--classes', 'a', '--output', join(folder, 'again.safetensors'));
  expect([...((await readTensors(join(folder, 'again.safetensors'))).labels?.data ?? [])]).toEqual([2]);
});

it('are drawn as prompts, and kept by their first word', async () => {
  const folder = await temporaryFolder();
  const { config, parameters } = await readCheckpoint(fixturePath('llamagen'));
  await writeCheckpoint(join(folder, 'model'), config, parameters);
  await writeFile(join(folder, 'model/classes.json'), '["a/cat", "a/dog", "/red", "/blue"]');
  const draw = async (classes: string) => {
    const output = join(folder, 'out.safetensors');
    await sample('--checkpoint', join(folder, 'model'), '--output', output, '--classes', classes, '--count', '2');
    const { labels, tokens } = await readTensors(output);
    return { labels: [...(labels?.data ?? [])], tokens: [...(tokens?.data ?? [])] };
  };
  const red = await draw('red blue,cat');
  expect(red.labels).toEqual([2, 0]);
  expect((await draw('blue red,cat')).tokens).toEqual(red.tokens);
  expect((await draw('red,cat')).tokens).not.toEqual(red.tokens);
});

it('name what the emoji model draws', async () => {
  const argv = ['--checkpoint', join(emojiFolder, 'llamagen'), '--output', 'x.safetensors', '--classes'];
  const { status, stderr } = await failingSample([...argv, 'Flaggs']);
  expect(status).toBe(2);
  expect(stderr).toMatch(/got 'Flaggs'\. The nearest names are '[Ff]lags'/);
});
