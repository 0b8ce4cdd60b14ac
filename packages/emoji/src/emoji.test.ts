import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { entropyKind } from '@dpar/entropy';
import { openSafetensors } from '@dpar/io/node';
import { boundaryPatching, dparKind, isBoundaryParameter, llamaGenKind } from '@dpar/model';
import { checkParameters, type Model } from '@dpar/nn';
import type { HostTensor } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmojiFiles, type EmojiModel, emojiFiles, fetchEmojiModel, openEmojiModel } from './index.js';
import { readEmojiModel } from './model.js';
import { emojiFolder, loadEmojiModel } from './node.js';

describe('the shipped model', () => {
  it('has the weights of its configurations, all of them finite', async () => {
    const { tokenizer, entropy, dpar, llamagen } = await loadEmojiModel();
    checkParameters(patchVqKind.specs(tokenizer.config), tokenizer.parameters);
    checkParameters(entropyKind.specs(entropy.config), entropy.parameters);
    checkParameters(dparKind.specs(dpar.config), dpar.parameters);
    checkParameters(llamaGenKind.specs(llamagen.config), llamagen.parameters);
    for (const { parameters } of [tokenizer, entropy, dpar, llamagen]) {
      for (const [name, { data }] of Object.entries(parameters)) {
        expect(data.every(Number.isFinite), name).toBe(true);
        // No part was forgotten in training, all numbers of it being zero.
        expect(
          data.some((value: number | boolean) => value !== 0),
          name,
        ).toBe(true);
      }
    }
  });

  it('has models that go together', async () => {
    const { tokenizer, entropy, dpar, llamagen, classes } = await loadEmojiModel();
    expect(tokenizer.config.imageSize).toBe(64);
    expect((tokenizer.config.imageSize / tokenizer.config.patchSize) ** 2).toBe(dpar.config.blockSize);
    expect(tokenizer.config.codebookSize).toBe(dpar.config.vocabSize);
    expect(entropy.config).toMatchObject({ vocabSize: dpar.config.vocabSize, blockSize: dpar.config.blockSize });
    const { vocabSize, blockSize, numClasses } = dpar.config;
    expect(llamagen.config).toMatchObject({ vocabSize, blockSize, numClasses });
    expect(dpar.config.patching).toMatchObject({ mode: 'entropy_row_boundary', maxPatchLength: 4 });
    expect(boundaryPatching(dpar.config).threshold).not.toBe(dpar.config.patching.threshold);
    expect(new Set(classes).size).toBe(dpar.config.numClasses);
  });

  it('says of itself what its files hold', async () => {
    const training = JSON.parse(await readFile(join(emojiFolder, 'training.json'), 'utf8'));
    const { tokenizer, entropy, dpar, llamagen } = await loadEmojiModel();
    const count: Record<string, number> = {};
    for (const [name, { parameters }] of Object.entries({ tokenizer, entropy, dpar, llamagen })) {
      const numbers = (names: string[]) => names.reduce((sum, key) => sum + (parameters[key]?.data.length ?? 0), 0);
      const names = Object.keys(parameters);
      count[name] = numbers(names.filter((key) => !isBoundaryParameter(key)));
      expect(training[name].parameters, name).toBe(count[name]);
      if (name === 'dpar') expect(training.head.parameters).toBe(numbers(names.filter(isBoundaryParameter)));
      const file = await openSafetensors(join(emojiFolder, name, 'model.safetensors'));
      const matrices = [...file.types.values()].filter(({ shape }) => shape.length === 2);
      expect(new Set(matrices.map(({ dtype }) => dtype))).toEqual(new Set(['I8']));
      await file.close();
    }
    expect(Math.abs((count.llamagen as number) / (count.dpar as number) - 1)).toBeLessThan(1e-3);
    expect(training.dpar.threshold).toBe(dpar.config.patching.threshold);
    expect(training.head.threshold).toBe(dpar.config.boundaryHead?.threshold);
  });
});

it('offers pictures of the data package, in the class that Unicode puts them into', async () => {
  const data = dirname(createRequire(import.meta.url).resolve('emoji-datasource-google/emoji.json'));
  const emoji: { image: string; category: string }[] = JSON.parse(await readFile(join(data, 'emoji.json'), 'utf8'));
  const categories = new Map<string, string>();
  for (const { image, category } of emoji) {
    const file = await readFile(join(data, 'img/google/64', image)).catch(() => undefined);
    if (file) categories.set(file.toString('base64'), category);
  }
  const page = JSON.parse(await readFile(join(emojiFolder, 'page.json'), 'utf8'));
  const { classes } = await loadEmojiModel();
  expect(classes).toContain(page.class);
  expect(page.examples.length).toBeGreaterThan(10);
  for (const example of page.examples) {
    const picture = (await readFile(join(emojiFolder, example.file))).toString('base64');
    expect([example.name, example.class]).toEqual([example.name, categories.get(picture)]);
  }
});

/** A model with a hash in place of the numbers of each weight, which are too many to compare one by one. */
function digest({ config, parameters }: Model): unknown {
  const hash = ({ data }: HostTensor): string => createHash('sha256').update(data).digest('hex');
  return { config, parameters: Object.entries(parameters).map(([name, p]) => [name, p.shape, hash(p)]) };
}

function digests({ tokenizer, entropy, dpar, llamagen, classes }: EmojiModel): unknown {
  return { models: [tokenizer, entropy, dpar, llamagen].map(digest), classes };
}

describe('loading', () => {
  const server = createServer(async ({ url = '' }, response) => {
    const bytes = await readFile(join(emojiFolder, url)).catch(() => undefined);
    // Without connections that are kept, none has been closed when it is used again.
    response.writeHead(bytes === undefined ? 404 : 200, { connection: 'close' }).end(bytes);
  });
  let files: EmojiFiles;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const model = (name: string) => ({
      config: new URL(`${base}/${name}/config.json`),
      weights: `${base}/${name}/model.safetensors`,
    });
    const classes = `${base}/classes.json`;
    files = {
      tokenizer: model('tokenizer'),
      entropy: model('entropy'),
      dpar: model('dpar'),
      llamagen: model('llamagen'),
      classes,
    };
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('over the network gives what is on the disk', async () => {
    expect(digests(await fetchEmojiModel(files))).toEqual(digests(await loadEmojiModel()));
  });

  it('over the network a model at a time asks for no other weights', async () => {
    const whole = await loadEmojiModel();
    const { configs, classes, load } = await openEmojiModel({ ...files, dpar: { ...files.dpar, weights: '' } });
    expect(configs.dpar).toEqual(whole.dpar.config);
    expect(classes).toEqual(whole.classes);
    expect(digest(await load('entropy'))).toEqual(digest(whole.entropy));
    await expect(load('dpar')).rejects.toThrow(/expected the file ''/);
  });

  it('names the file that is missing, damaged or of another model', async () => {
    const missing = { ...files, classes: `${files.classes}.gz` };
    await expect(fetchEmojiModel(missing)).rejects.toThrow(/classes\.json\.gz', got status 404/);
    const nowhere = { ...files, classes: 'http://127.0.0.1:1/classes.json' };
    await expect(fetchEmojiModel(nowhere)).rejects.toThrow(/:1\/classes\.json', got no answer/);
    const read = (text: string) => (file: URL | string) =>
      file === emojiFiles.classes ? Promise.resolve(new TextEncoder().encode(text)) : readFile(file);
    await expect(readEmojiModel(emojiFiles, read('['))).rejects.toThrow(/classes\.json', got '\[/);
    await expect(readEmojiModel(emojiFiles, read('["Flags"]'))).rejects.toThrow(/9 class names.* got 1 entries/);
    await expect(readEmojiModel({ ...emojiFiles, dpar: emojiFiles.entropy }, readFile)).rejects.toThrow(
      'dparKind.readConfig',
    );
  });
});

it('is a package of at most 8 MB with all the files of the model', async () => {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  // npm is a script of the shell on Windows.
  const shell = process.platform === 'win32';
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json'], { cwd: folder, shell });
  const [{ size, files }] = JSON.parse(stdout) as [{ size: number; files: { path: string }[] }];
  expect(size).toBeLessThanOrEqual(8e6);
  const wanted = ['tokenizer', 'entropy', 'dpar', 'llamagen'].flatMap((name) => [
    `model/${name}/config.json`,
    `model/${name}/model.safetensors`,
  ]);
  const more = ['entropy/train', 'dpar/train', 'dpar/train-head', 'llamagen/train', 'classes', 'training'].map(
    (name) => `model/${name}.json`,
  );
  expect(files.map(({ path }) => path).filter((path) => path.startsWith('model/'))).toEqual(
    expect.arrayContaining([...wanted, ...more]),
  );
});
