import { existsSync, readFileSync } from 'node:fs';
import { cp, rename, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { emojiFolder, loadEmojiModel } from '@dpar/emoji/node';
import { saveModel } from '@dpar/model/node';
import { beforeEach, describe, expect, it } from 'vitest';
import { isPage, writePage } from '../index.js';
import type { PageManifest } from '../manifest.js';
import { withoutHead } from '../testing/heads.js';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

/** A copy of the emoji model that a test may change. */
async function copied(name = 'my model'): Promise<string> {
  const model = join(folder, name);
  await cp(emojiFolder, model, { recursive: true });
  return model;
}

/** The page of a model, without compressed copies. */
async function pageOf(model: string) {
  const page = join(folder, 'page');
  await writePage(model, page, { compress: false });
  const manifest: PageManifest = JSON.parse(readFileSync(join(page, 'model/model.json'), 'utf8'));
  return { page, manifest, worker: readFileSync(join(page, 'service-worker.js'), 'utf8') };
}

const withPresentation = async (content: object): Promise<string> => {
  const model = await copied();
  await writeFile(join(model, 'page.json'), JSON.stringify(content));
  return model;
};

describe('the manifest of a page', () => {
  it('is that of the model folder', async () => {
    const { page, manifest } = await pageOf(emojiFolder);
    const { classes } = await loadEmojiModel();
    const { title, credit, label, model, parts, examples } = manifest;
    expect(model.classes).toEqual(classes);
    expect({ title, credit, label, imageSize: model.imageSize }).toEqual({
      title: 'Emoji',
      credit: "Emoji: Google's Noto emoji, Apache-2.0.",
      label: classes.indexOf('Smileys & Emotion'),
      imageSize: 64,
    });
    expect(Object.keys(parts)).toEqual(['tokenizer', 'dpar', 'entropy', 'llamagen']);
    expect(parts.dpar.config).toEqual(JSON.parse(readFileSync(join(emojiFolder, 'dpar/config.json'), 'utf8')));
    const [weights] = parts.dpar.weights;
    const file = readFileSync(join(page, weights?.file ?? ''));
    expect(file.equals(readFileSync(join(emojiFolder, 'dpar/model.safetensors')))).toBe(true);
    expect(weights?.bytes).toBe(file.length);
    expect(examples[0]).toMatchObject({ name: 'Lion', className: 'Animals & Nature' });
    expect(examples.every((example) => existsSync(join(page, example.file)))).toBe(true);
  });

  it('needs no page.json, no names of classes, no LlamaGen, and no entropy model beside a boundary head', async () => {
    const model = await copied('cats');
    for (const name of ['page.json', 'classes.json', 'llamagen', 'entropy']) {
      await rm(join(model, name), { recursive: true });
    }
    const { manifest } = await pageOf(model);
    expect(manifest).toMatchObject({ title: 'cats', label: 0 });
    expect(manifest).not.toHaveProperty('credit');
    expect(manifest.model.classes).toEqual(Array.from({ length: 9 }, (_, i) => `Class ${i}`));
    expect(Object.keys(manifest.parts)).toEqual(['tokenizer', 'dpar']);
    expect(manifest.examples).toHaveLength(18);
    expect(manifest.examples.map(({ name }) => name)).toContain('cup-of-tea');
    await rename(model, join(folder, 'model'));
    // A run's model folder has the name of the run.
    expect((await pageOf(join(folder, 'model'))).manifest.title).toBe(folder.split(/[/\\]/).at(-1));
  });
});

describe('a model is refused', () => {
  it.each<[string, object, string]>([
    ['an unknown key', { titel: 'x' }, "expected the keys title, credit, class and examples in '.*', got 'titel'"],
    ['a title that is no text', { title: 3 }, "expected a text as 'title' in '.*', got 3"],
    ['an unknown class', { class: 'Cats' }, "expected a class of the model as 'class' in '.*', got 'Cats'"],
    ['examples that are no list', { examples: {} }, "expected a list as 'examples' in '.*', got a object"],
    ['a file outside', { examples: [{ file: '../x.png', name: 'x' }] }, 'with a file of the folder, a name'],
    ['an unnamed picture', { examples: [{ file: 'examples/lion.png' }] }, 'with a file of the folder, a name'],
  ])('for %s in page.json', async (_, content, message) => {
    await expect(pageOf(await withPresentation(content))).rejects.toThrow(new RegExp(message));
  });

  it('without a source of entropies, a DPAR or weights, and nothing is written', async () => {
    const model = await copied();
    await rm(join(model, 'entropy'), { recursive: true });
    await saveModel(join(model, 'dpar'), withoutHead(await loadEmojiModel()).dpar);
    await expect(pageOf(model)).rejects.toThrow('a boundary head in dpar/, or an entropy model in entropy/');
    await rm(join(model, 'dpar/model.safetensors'));
    await cp(join(emojiFolder, 'entropy'), join(model, 'entropy'), { recursive: true });
    await expect(pageOf(model)).rejects.toThrow(/expected model\.safetensors in '.*dpar', got none/);
    await rm(join(model, 'dpar'), { recursive: true });
    await expect(pageOf(model)).rejects.toThrow('expected a DPAR model in dpar/');
    expect(existsSync(join(folder, 'page'))).toBe(false);
  });
});

describe('writePage', () => {
  it('gives other weights another name, and visitors a new version', async () => {
    const model = await copied();
    const before = await pageOf(model);
    await saveModel(join(model, 'dpar'), withoutHead(await loadEmojiModel()).dpar);
    const after = await pageOf(model);
    const name = ({ manifest }: typeof before) => manifest.parts.dpar.weights[0]?.file ?? '';
    expect(name(after)).not.toBe(name(before));
    expect(existsSync(join(after.page, name(before)))).toBe(false);
    const version = ({ worker }: typeof before) => /version["']?:["']([0-9a-f]{16})/.exec(worker)?.[1];
    expect(version(before)).toMatch(/^[0-9a-f]{16}$/);
    expect(version(after)).not.toBe(version(before));
    expect(after.worker).toContain(name(after));
    expect(after.worker).not.toContain('.br');
  });

  it('writes nothing when it is stopped, and knows its pages', async () => {
    const page = join(folder, 'page');
    await expect(writePage(emojiFolder, page, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    expect(existsSync(page)).toBe(false);
    expect(await isPage(page)).toBe(false);
    await pageOf(emojiFolder);
    expect(await isPage(page)).toBe(true);
    expect(await isPage(emojiFolder)).toBe(false);
  });
});

it('is built into one file that needs Node only', () => {
  const built = readFileSync(new URL('../../dist/index.js', import.meta.url), 'utf8');
  const names = [...built.matchAll(/^import\b.* from ['"](.*)['"];$/gm)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !builtinModules.includes(name.replace('node:', '')))).toEqual([]);
  expect(built).not.toMatch(/\bimport\(/);
});
