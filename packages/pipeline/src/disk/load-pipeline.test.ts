import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { entropyKind } from '@dpar/entropy';
import { loadModel } from '@dpar/model/node';
import { patchLengths } from '@dpar/patchify';
import { createReferenceEngine, int32 } from '@dpar/tensor';
import { decode } from 'fast-png';
import { afterEach, describe, expect, it } from 'vitest';
import type { PipelineOptions } from '../assemble.js';
import type { DrawingStep } from '../pipeline.js';
import { tinyClasses, tinyModel } from '../testing/tiny-model.js';
import { loadPipeline, type NodePipeline } from './load-pipeline.js';
import type { SavableImages } from './save.js';

const open: NodePipeline[] = [];
afterEach(async () => {
  for (const pipeline of open.splice(0)) await pipeline.dispose();
});

/** Loads a pipeline for the current test. */
async function load(folder: string, options: PipelineOptions = {}): Promise<NodePipeline> {
  const pipeline = await loadPipeline(folder, { threads: 1, ...options });
  open.push(pipeline);
  return pipeline;
}

const T = 64;

describe('loadPipeline', () => {
  it('says what it loaded, and how far it is', async () => {
    const progress: unknown[] = [];
    const folder = await tinyModel();
    const pipeline = await load(folder, { onProgress: (step) => progress.push(step) });
    expect(pipeline).toMatchObject({
      kind: 'dpar',
      imageSize: 16,
      gridSize: 8,
      numClasses: 5,
      classes: [...tinyClasses],
    });
    expect(pipeline.engine).toContain('1 thread');
    const bytes = await Promise.all(
      ['tokenizer', 'dpar', 'entropy'].map(
        async (part) => (await readFile(join(folder, part, 'model.safetensors'))).length,
      ),
    );
    const total = bytes.reduce((a, b) => a + b);
    expect(progress.at(-1)).toEqual({ loaded: total, total });
    expect((await load(folder, { model: 'llamagen' })).kind).toBe('llamagen');
  });

  it.each([
    [
      ['tokenizer', 'llamagen'] as const,
      'dpar' as const,
      "expected the model dpar in 'F', got only llamagen. Pass { model: 'llamagen' }",
    ],
    [
      ['tokenizer', 'dpar'] as const,
      undefined,
      "with a boundary head, in 'F', whose patches depend on entropies, got neither.",
    ],
  ])('with %j and model %s says what is missing', async (parts, model, message) => {
    const folder = await tinyModel(parts);
    const error = await load(folder, { model }).catch((error: Error) => error.message.replaceAll(folder, 'F'));
    expect(error).toContain(message);
  });

  it('takes an engine, which it leaves alone, and no settings of another', async () => {
    const folder = await tinyModel(['tokenizer', 'llamagen']);
    let disposed = 0;
    const engine = { ...createReferenceEngine(), dispose: async () => void disposed++ };
    const pipeline = await loadPipeline(folder, { engine });
    expect((await pipeline.generate()).count).toBe(1);
    await pipeline.dispose();
    expect(disposed).toBe(0);
    await expect(loadPipeline(folder, { engine, threads: 1 })).rejects.toThrow(
      "expected no 'threads' beside 'engine', got 1.",
    );
  });

  it('stops when it is told to', async () => {
    await expect(load(await tinyModel(), { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
      'stopped',
    );
  });
});

describe('generate', () => {
  it('gives image k in any number of images at a time, and with its class', async () => {
    const pipeline = await load(await tinyModel());
    const progress: number[][] = [];
    const settings = { class: ['dog', 0, null], count: 5, seed: 3 };
    const images = await pipeline.generate({ ...settings, onProgress: (...step) => progress.push(step) });
    expect(images).toMatchObject({ count: 5, width: 16, height: 16, names: ['dog', 'cat', 'none', 'dog', 'cat'] });
    expect([...(images.labels ?? [])]).toEqual([1, 0, 5, 1, 0]);
    expect(images.bytes).toHaveLength(5 * 16 * 16 * 3);
    expect(images.patchLengths?.map((lengths) => lengths.reduce((a, b) => a + b))).toEqual(Array(5).fill(T));
    expect(progress.at(-1)).toEqual([5 * T, 5 * T]);
    for (const batchSize of [1, 2]) expect(await pipeline.generate({ ...settings, batchSize })).toEqual(images);
    const last = await pipeline.generate({ ...settings, count: 2, firstIndex: 3 });
    expect(last.bytes).toEqual(images.bytes.subarray(3 * 16 * 16 * 3));
    expect(last.names).toEqual(['dog', 'cat']);
    expect((await pipeline.generate({ ...settings, seed: 4 })).tokens).not.toEqual(images.tokens);
  });

  it('stops between two tokens, and refuses what is wrong', async () => {
    const pipeline = await load(await tinyModel());
    const controller = new AbortController();
    const { signal } = controller;
    let calls = 0;
    const onProgress = (): void => {
      if (++calls === 3) controller.abort(new Error('stopped'));
    };
    await expect(pipeline.generate({ signal, onProgress })).rejects.toThrow('stopped');
    expect(calls).toBe(3);
    await expect(pipeline.generate({ class: 'Cat' })).rejects.toThrow("got 'Cat'. The nearest names are 'cat'");
    await expect(pipeline.generate({ temperature: 0 })).rejects.toThrow('temperature');
    await expect(pipeline.generate({ guidance: 2 } as never)).rejects.toThrow("Did you mean 'guidanceScale'?");
  });
});

describe('stream', () => {
  it('yields each token, and the pictures up to it', async () => {
    const pipeline = await load(await tinyModel());
    const settings = { class: ['dog', 'owl'], seed: 3 };
    const whole = await pipeline.generate(settings);
    const tokens = new Int32Array(2 * T);
    let last: DrawingStep<SavableImages> | undefined;
    for await (const step of pipeline.stream(settings)) {
      step.images.forEach((image, i) => {
        tokens[image * T + (step.positions[i] as number)] = step.tokens[i] as number;
      });
      if (step.done >= T && step.done < T + 2) {
        const pictures = await step.pictures();
        // Of 8 rows of tokens, the lower ones are white.
        expect(pictures.bytes.subarray(3 * 16 * 14, 3 * 16 * 16).every((value) => value === 255)).toBe(true);
        expect(pictures.bytes.subarray(0, 3 * 16 * 2)).toEqual(whole.bytes.subarray(0, 3 * 16 * 2));
        expect(pictures.patchLengths?.[0]?.length).toBeLessThan(whole.patchLengths?.[0]?.length ?? 0);
      }
      last = step;
    }
    expect(tokens).toEqual(whole.tokens);
    expect(last).toMatchObject({ done: 2 * T, total: 2 * T });
    expect(await last?.pictures()).toEqual(whole);
  });

  it('can be left, and used again', async () => {
    const pipeline = await load(await tinyModel());
    for await (const step of pipeline.stream()) if (step.done > 3) break;
    expect((await pipeline.generate()).count).toBe(1);
  });
});

describe('with images of its own', () => {
  it('reconstructs them, from files, bytes, pixels and results', async () => {
    const pipeline = await load(await tinyModel());
    const images = await pipeline.generate({ class: ['cat', 'dog'], seed: 1 });
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.png'), images.png(0));
    const again = await pipeline.reconstruct(images);
    expect(again).toMatchObject({ count: 2, labels: undefined, names: undefined, patchLengths: undefined });
    const [first, second] = [0, 1].map((i) => again.bytes.subarray(i * 768, (i + 1) * 768));
    const inputs = [join(folder, 'a.png'), pathToFileURL(join(folder, 'a.png')), images.png(1), images.imageData(1)];
    const { bytes } = await pipeline.reconstruct(inputs);
    expect([...bytes]).toEqual([first, first, second, second].flatMap((part) => [...(part ?? [])]));
    await expect(pipeline.reconstruct(join(folder, 'b.png'))).rejects.toThrow('ENOENT');
    await expect(pipeline.reconstruct(5 as never)).rejects.toThrow('or { width, height, data }, got number.');
    await expect(pipeline.reconstruct([])).rejects.toThrow('expected at least one image, got none.');
    const stopped = { signal: AbortSignal.abort(new Error('stopped')) };
    await expect(pipeline.reconstruct(images, stopped)).rejects.toThrow('stopped');
  });

  it('completes one', async () => {
    const pipeline = await load(await tinyModel());
    const image = (await pipeline.generate({ class: 'cat', seed: 1 })).imageData();
    const tokens = (await pipeline.reconstruct(image)).tokens;
    const completed = await pipeline.complete({ image, rows: 3, class: 'cat', count: 3, seed: 2 });
    expect(completed.count).toBe(3);
    const rows = [0, 1, 2].map((i) => completed.tokens.subarray(i * T, (i + 1) * T));
    for (const row of rows) expect(row.subarray(0, 24)).toEqual(tokens.subarray(0, 24));
    expect(rows[0]?.subarray(24)).not.toEqual(rows[1]?.subarray(24));
    const half = await pipeline.complete({ image, seed: 2 });
    expect(half).toMatchObject({ count: 1, names: ['none'] });
    expect(half.tokens.subarray(0, 32)).toEqual(tokens.subarray(0, 32));
    expect(half.tokens).toEqual((await pipeline.complete({ image, rows: 4, seed: 2 })).tokens);
    await expect(pipeline.complete({ image, rows: 8 })).rejects.toThrow(
      'expected 1 to 7 of 8 rows of tokens to keep, got 8.',
    );
    await expect(pipeline.complete({ image, share: 0.01 })).rejects.toThrow('got a share of 0.01. Correct share.');
    const two = await pipeline.generate({ count: 2 });
    await expect(pipeline.complete({ image: two })).rejects.toThrow('complete: expected one image, got 2.');
  });

  it('maps the entropies of one by the entropy model, with the patches of DPAR', async () => {
    const folder = await tinyModel();
    const pipeline = await load(folder);
    const image = await pipeline.generate({ class: 'cat', seed: 1 });
    const map = await pipeline.entropyMap(image);
    const { config, kind, parameters } = await loadModel(join(folder, 'entropy'), { kinds: [entropyKind] });
    const compiled = createReferenceEngine().compile((ops, x) => kind.outputs(ops, config, x));
    const { entropies } = await compiled.run({ ...parameters, tokens: int32([1, T], map.tokens) });
    for (const [i, value] of map.entropies.entries()) {
      expect(value).toBeCloseTo(entropies?.data[i] as number, 4);
    }
    const dpar = (await loadModel(join(folder, 'dpar'))).config as unknown as { patching: object };
    expect(map.patchLengths).toEqual(patchLengths(map.entropies, dpar.patching));
    expect((await pipeline.entropyMap(image, { threshold: 99 })).patchLengths?.length).toBeLessThan(
      map.patchLengths?.length ?? 0,
    );
    expect(map).toMatchObject({ gridSize: 8, maximum: Math.log(48) });
    const { width, height, data } = decode(map.png());
    expect([width, height]).toEqual([16, 16]);
    expect([...data.subarray(0, 4)]).toEqual([128, 128, 128, 255]);
    expect(decode(map.png(5))).toMatchObject({ width: 40, height: 40 });
    expect(map.imageData().data).toEqual(new Uint8ClampedArray(data));
  });

  it('maps no entropies where no model predicts them, but those of DPAR for a LlamaGen', async () => {
    const folder = await tinyModel(['tokenizer', 'llamagen']);
    const pipeline = await load(folder);
    const image = await pipeline.generate();
    expect(image.patchLengths?.[0]).toEqual(new Int32Array(T).fill(1));
    await expect(pipeline.entropyMap(image)).rejects.toThrow(
      `entropyMap: expected an entropy model, or a DPAR model with a boundary head, in '${folder}', got neither.`,
    );
    const whole = await tinyModel();
    const map = await (await load(whole)).entropyMap(image);
    expect(await (await load(whole, { model: 'llamagen' })).entropyMap(image)).toEqual(map);
  });
});

describe('save', () => {
  it('writes a grid, or a folder of pictures, and leaves the files of others', async () => {
    const pipeline = await load(await tinyModel());
    const images = await pipeline.generate({ class: ['cat', 'dog'], seed: 1 });
    const folder = await temporaryFolder();
    await images.save(join(folder, 'a/grid.png'));
    expect(new Uint8Array(await readFile(join(folder, 'a/grid.png')))).toEqual(images.grid());
    await images.save(join(folder, 'a/grid.png'), 1);
    expect(new Uint8Array(await readFile(join(folder, 'a/grid.png')))).toEqual(images.grid(1));
    const one = await pipeline.generate({ class: 'cat', seed: 1 });
    await one.save(join(folder, 'one.png'));
    expect(new Uint8Array(await readFile(join(folder, 'one.png')))).toEqual(one.png());
    for (let time = 0; time < 2; time++) {
      await images.save(join(folder, 'pictures'));
      expect(await readdir(join(folder, 'pictures'))).toEqual(['000000.png', '000001.png']);
      expect(new Uint8Array(await readFile(join(folder, 'pictures/000001.png')))).toEqual(images.png(1));
    }
    await mkdir(join(folder, 'photos'));
    await writeFile(join(folder, 'photos/me.png'), '');
    await expect(images.save(join(folder, 'photos/'))).rejects.toThrow("got 'me.png' in '");
    await expect(images.save(join(folder, 'a.jpg'))).rejects.toThrow("that ends in .png, or a folder, got '");
    const map = await pipeline.entropyMap(images.imageData(0));
    await map.save(join(folder, 'map.png'), 3);
    expect(new Uint8Array(await readFile(join(folder, 'map.png')))).toEqual(map.png(3));
    await expect(map.save(folder)).rejects.toThrow('EntropyMap.save: expected the path of a .png file');
  });
});

it('is disposed once, and not used afterwards', async () => {
  const folder = await tinyModel();
  let kept: NodePipeline | undefined;
  {
    await using pipeline = await loadPipeline(folder, { threads: 1 });
    expect((await pipeline.generate()).count).toBe(1);
    kept = pipeline;
  }
  await kept.dispose();
  await expect(kept.generate()).rejects.toThrow('got one that was disposed. Load the model again.');
  await expect(kept.stream().next()).rejects.toThrow('got one that was disposed');
  await expect(kept.reconstruct(Uint8Array.of(1))).rejects.toThrow('got one that was disposed');
  await rm(folder, { recursive: true });
});
