import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { emojiFolder, loadEmojiModel } from '@dpar/emoji/node';
import { readJson, writeJson } from '@dpar/io/node';
import { expect, it } from 'vitest';
import { openModelFolder } from './model-folder.js';

/** A copy of the emoji model without weights. */
async function copy(): Promise<string> {
  const folder = join(await temporaryFolder(), 'model');
  await cp(emojiFolder, folder, { recursive: true, filter: (path) => !path.endsWith('.safetensors') });
  return folder;
}

/** Changes keys of a part's config.json. */
async function change(folder: string, part: string, keys: object): Promise<void> {
  const path = join(folder, part, 'config.json');
  await writeJson(path, { ...(await readJson(path)), ...keys });
}

it('tells what a model folder holds, and reads the weights of one part', async () => {
  const model = await openModelFolder(emojiFolder);
  const emoji = await loadEmojiModel();
  expect(model).toMatchObject({
    gridSize: 16,
    imageSize: 64,
    numClasses: 9,
    classes: emoji.classes,
    folder: emojiFolder,
  });
  for (const part of ['tokenizer', 'dpar', 'llamagen', 'entropy'] as const) {
    expect(model[part]).toEqual({ kind: emoji[part].kind, config: emoji[part].config });
    expect(model.checkpoint(part)).toBe(join(emojiFolder, part));
  }
  expect((await model.load('entropy')).parameters).toEqual(emoji.entropy.parameters);
});

it('takes the names of the classes from the checkpoint, if it has its own', async () => {
  const folder = await copy();
  await writeFile(join(folder, 'dpar/classes.json'), '["a", "b"]');
  expect((await openModelFolder(folder)).classes).toEqual(['a', 'b']);
  await rm(join(folder, 'dpar/classes.json'));
  await rm(join(folder, 'classes.json'));
  expect(await openModelFolder(folder)).not.toHaveProperty('classes');
});

it('lacks the parts that are not there, and needs a tokenizer and a model that generates', async () => {
  const folder = await copy();
  await rm(join(folder, 'entropy'), { recursive: true });
  await rm(join(folder, 'dpar'), { recursive: true });
  const model = await openModelFolder(folder);
  expect(model).not.toHaveProperty('dpar');
  expect(model).not.toHaveProperty('entropy');
  expect(model.llamagen?.kind.name).toBe('llamagen');
  await rm(join(folder, 'llamagen'), { recursive: true });
  await expect(openModelFolder(folder)).rejects.toThrow(
    `in '${folder}', got only tokenizer. Add the missing checkpoints.`,
  );
  await expect(openModelFolder(join(folder, 'x'))).rejects.toThrow('got none of them');
});

it('refuses parts that do not belong together', async () => {
  const folder = await copy();
  await change(folder, 'entropy', { vocab_size: 512 });
  await expect(openModelFolder(folder)).rejects.toThrow('got 256 tokens of 512 codes in entropy. Put parts together');
  await change(folder, 'entropy', { kind: 'llamagen' });
  await expect(openModelFolder(folder)).rejects.toThrow(
    `expected a model of kind "entropy" in '${folder}/entropy', got "llamagen"`,
  );
});
