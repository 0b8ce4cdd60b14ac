import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { serve } from '@dpar/config/serve';
import { describe, expect, it } from 'vitest';
import type { LoadProgress } from './assemble.js';
import { loadPipeline } from './disk/load-pipeline.js';
import { fetchPipeline } from './fetch-pipeline.js';
import { tinyClasses, tinyModel } from './testing/tiny-model.js';

const settings = { class: 'dog', count: 2, seed: 4 };

/** Bytes of the weights that a DPAR without a boundary head draws with. */
async function weightsBytes(folder: string): Promise<number> {
  const files = ['tokenizer', 'dpar', 'entropy'].map((part) => readFile(join(folder, part, 'model.safetensors')));
  return (await Promise.all(files)).reduce((sum, { length }) => sum + length, 0);
}

describe('fetchPipeline', () => {
  it('draws what the model on the disk draws, asks for each file once, and says how far it is', async () => {
    const folder = await tinyModel();
    const { url, requests } = await serve({ model: folder });
    const progress: LoadProgress[] = [];
    const fetched = await fetchPipeline(`${url}/model`, { threads: 1, onProgress: (step) => progress.push(step) });
    const loaded = await loadPipeline(folder, { threads: 1 });
    expect(fetched).toMatchObject({ kind: 'dpar', imageSize: 16, gridSize: 8, classes: [...tinyClasses] });
    const images = await fetched.generate(settings);
    expect({ ...images }).toEqual({ ...(await loaded.generate(settings)) });
    expect(await fetched.entropyMap(images.imageData())).toMatchObject({ gridSize: 8 });
    expect(requests.filter((path) => path.includes('llamagen'))).toEqual(['/model/llamagen/config.json']);
    expect(new Set(requests).size).toBe(requests.length);
    const total = await weightsBytes(folder);
    expect(progress.at(-1)).toEqual({ loaded: total, total });
    expect(progress.map(({ loaded }) => loaded)).toEqual(progress.map(({ loaded }) => loaded).sort((a, b) => a - b));
    expect(progress.some((step) => step.loaded < total && step.total === total)).toBe(true);
    await Promise.all([fetched.dispose(), loaded.dispose()]);
  });

  it('works with servers that compress, or answer with a page where a file is missing', async () => {
    const folder = await tinyModel(['tokenizer', 'dpar', 'entropy']);
    const page = { headers: { 'content-type': 'text/html' }, body: '<!doctype html>' };
    const compressed = gzipSync(await readFile(join(folder, 'dpar/model.safetensors')));
    const { url } = await serve({ model: folder }, (path) => {
      if (/llamagen/.test(path)) return page;
      if (path === '/model/dpar/model.safetensors')
        return { headers: { 'content-encoding': 'gzip', 'content-length': `${compressed.length}` }, body: compressed };
      return undefined;
    });
    const progress: LoadProgress[] = [];
    const pipeline = await fetchPipeline(`${url}/model/`, { threads: 1, onProgress: (step) => progress.push(step) });
    expect((await pipeline.generate(settings)).count).toBe(2);
    const total = await weightsBytes(folder);
    expect(progress.at(-1)).toEqual({ loaded: total, total });
    expect(progress.at(0)?.total).toBeUndefined();
    await pipeline.dispose();
  });

  it.each([
    ['/model/tokenizer/config.json', { status: 404 }, 'got only dpar, llamagen, entropy. Add the missing checkpoints.'],
    [
      '/model/dpar/model.safetensors',
      { status: 404 },
      "dpar/model.safetensors', got status 404. Copy it to the server.",
    ],
    [
      '/model/dpar/model.safetensors',
      { body: 'abc' },
      "expected an intact file 'URL/model/dpar/model.safetensors', got ",
    ],
    [
      '/model/classes.json',
      { status: 500 },
      "expected the file 'URL/model/classes.json', got status 500. Check the server",
    ],
    ['/model/classes.json', { body: '["cat",' }, "file 'URL/model/classes.json', got '[\"cat\",'. Copy the model"],
    [
      '/model/dpar/config.json',
      { body: '{"kind":"vq"}' },
      'expected a model of kind "dpar" in \'URL/model/dpar\', got "vq"',
    ],
  ])('names the fault of %s: %j', async (file, answer, message) => {
    const { url } = await serve({ model: await tinyModel() }, (path) => (path === file ? answer : undefined));
    const error = await fetchPipeline(`${url}/model`, { threads: 1 }).catch((error: Error) => error.message);
    expect(String(error).replaceAll(url, 'URL')).toContain(message);
  });

  it('names a server that does not answer, and what is no address', async () => {
    await expect(fetchPipeline('http://127.0.0.1:1/model')).rejects.toThrow(
      /'http:\/\/127.0.0.1:1\/model\/.*', got no answer/,
    );
    await expect(fetchPipeline('model')).rejects.toThrow(
      "expected the address of a model folder, got 'model'. Pass one such",
    );
  });

  it('stops when it is told to, while weights arrive', async () => {
    const { url } = await serve({ model: await tinyModel() });
    const controller = new AbortController();
    const loading = fetchPipeline(`${url}/model`, {
      threads: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('stopped')),
    });
    await expect(loading).rejects.toThrow('stopped');
  });
});
