import { createOrtEngine } from '@dpar/engine-ort';
import { createRandom, createReferenceEngine } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { createSampler } from './create-sampler.js';
import { GptStage } from './gpt-stage.js';
import type { SampleOptions } from './options.js';
import { tinyDpar, tinyEntropyModel, tinyLlamaGen } from './testing/uncached.js';

const engine = createReferenceEngine();
const T = 16;

describe('the sampler of a DPAR', () => {
  const sampler = createSampler(engine, tinyDpar(), { entropyModel: tinyEntropyModel() });

  it('completes given tokens', async () => {
    const prefix = Array.from({ length: 2 * 9 }, (_, i) => (5 * i) % 12);
    const { tokens } = await sampler.generate({ labels: [0, 1], seed: 1, prefix });
    expect(Array.from(tokens.slice(0, 9))).toEqual(prefix.slice(0, 9));
    expect(Array.from(tokens.slice(T, T + 9))).toEqual(prefix.slice(9));
  });

  it('gives image k whatever its neighbours are', async () => {
    const options = { seed: 11, guidanceScale: 1.5 };
    const all = await sampler.generate({ ...options, labels: [0, 1, 2, 0] });
    expect(new Set(all.patchLengths.map((image) => image.join())).size).toBeGreaterThan(1);
    const part = await sampler.generate({ ...options, labels: [1, 2], firstIndex: 1 });
    expect(part.tokens).toEqual(all.tokens.slice(T, 3 * T));
    expect(part.patchLengths).toEqual(all.patchLengths.slice(1, 3));
  });

  it('gives image k whatever its place in the queue is', async () => {
    const options = { seed: 11, guidanceScale: 1.5, labels: [0, 1, 2, 0, 2, 1, 1] };
    const all = await sampler.generate(options);
    for (const batchSize of [1, 2, 3, 6, 20]) expect(await sampler.generate({ ...options, batchSize })).toEqual(all);
  });

  it('says how long each stage took', async () => {
    const timed = createSampler(engine, tinyDpar(), { entropyModel: tinyEntropyModel() });
    expect(timed.stageSeconds).toEqual({});
    await timed.generate({ labels: [0] });
    const once = timed.stageSeconds;
    expect(Object.keys(once).sort()).toEqual(['decoder', 'draw', 'encoder', 'entropy', 'global']);
    await timed.generate({ labels: [0] });
    for (const [stage, seconds] of Object.entries(once)) expect(timed.stageSeconds[stage]).toBeGreaterThan(seconds);
  });

  it('runs no entropy model for patches that do not depend on entropies', async () => {
    const model = tinyDpar({ patching: { mode: 'static', max_patch_length: 2, row_length: 4 } });
    const fixed = createSampler(engine, model, { entropyModel: tinyEntropyModel() });
    const { patchLengths } = await fixed.generate({ labels: [0] });
    expect(patchLengths[0]).toEqual(new Int32Array(8).fill(2));
    expect(fixed.stageSeconds).not.toHaveProperty('entropy');
  });

  it('gives the same tokens beside the event loop, and stops when told', async () => {
    const [direct, threaded] = [
      await createOrtEngine({ threads: 1 }),
      await createOrtEngine({ threads: 1, thread: true }),
    ];
    const [expected, found] = [direct, threaded].map((ort) =>
      createSampler(ort, tinyDpar(), { entropyModel: tinyEntropyModel() }),
    );
    const options = { labels: [0, 1, 2], guidanceScale: 2, seed: 3 };
    // Two generations at the same time, with caches of their own.
    const [first, second] = await Promise.all([found?.generate(options), found?.generate({ ...options, seed: 4 })]);
    expect(first).toEqual(await expected?.generate(options));
    expect(second).toEqual(await expected?.generate({ ...options, seed: 4 }));
    const controller = new AbortController();
    const stopped = found?.generate({ ...options, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    await Promise.all([direct.dispose(), threaded.dispose()]);
  });

  it('needs one graph for each stage and range of batch sizes', async () => {
    const ort = await createOrtEngine({ threads: 1 });
    const compiled: { signatures: number }[] = [];
    const counting: typeof ort = {
      ...ort,
      compile: (...options) => {
        const fn = ort.compile(...options);
        compiled.push(fn);
        return fn;
      },
    };
    const many = createSampler(counting, tinyDpar(), { entropyModel: tinyEntropyModel() });
    for (const size of [5, 7, 16]) await many.generate({ labels: new Array(size).fill(1), guidanceScale: 2 });
    const used = () => compiled.map((fn) => fn.signatures).filter((signatures) => signatures > 0);
    expect(used()).toEqual([1, 1, 1, 1]);
    // Steps of a single image are compiled without the selection of rows.
    await many.generate({ labels: [1], guidanceScale: 2 });
    expect(used()).toEqual(new Array(8).fill(1));
    await ort.dispose();
  });
});

describe('on ONNX Runtime, where kernels depend on the number of rows', () => {
  // Inner sizes above 256 are summed in blocks.
  const wide = { dim: 512, n_head: 4, vocab_size: 2000 };

  it('entropies have the same bits in any batch', async () => {
    const ort = await createOrtEngine({ threads: 2 });
    const { config, parameters } = tinyEntropyModel(wide);
    const stage = new GptStage(ort, config, parameters, { result: 'entropies', selects: true });
    const images = Array.from({ length: 40 }, (_, image) => createRandom(3, image));
    const steps = Array.from({ length: 5 }, () => Int32Array.from(images, (random) => random.integer(2000)));
    const entropies = async (first: number, count: number): Promise<Float32Array[]> => {
      const cache = stage.newCache(count);
      const results: Float32Array[] = [];
      for (const tokens of steps) {
        const rows = Int32Array.from({ length: count }, (_, row) => row);
        results.push((await stage.entropies(cache, rows, tokens.slice(first, first + count))).slice());
      }
      return results;
    };
    const all = await entropies(0, 40);
    for (const [first, count] of [
      [3, 1],
      [2, 2],
      [5, 7],
      [20, 16],
      [0, 33],
    ] as const) {
      const part = await entropies(first, count);
      expect(part).toEqual(all.map((step) => step.slice(first, first + count)));
    }
    await ort.dispose();
  });

  it('images are the same in any batch, with top-k and top-p too', async () => {
    const ort = await createOrtEngine({ threads: 2 });
    const sampler = createSampler(
      ort,
      tinyDpar({ ...wide, patching: { threshold: 6.5, max_patch_length: 3, row_length: 4 } }),
      { entropyModel: tinyEntropyModel(wide) },
    );
    for (const decoding of [{}, { topK: 500 }, { topP: 0.8, temperature: 1.1 }]) {
      const options = { ...decoding, seed: 4, guidanceScale: 2 };
      const all = await sampler.generate({ ...options, labels: new Array(20).fill(1) });
      for (const [firstIndex, count] of [
        [0, 1],
        [7, 3],
        [11, 8],
      ] as const) {
        const part = await sampler.generate({ ...options, labels: new Array(count).fill(1), firstIndex });
        expect(part.tokens).toEqual(all.tokens.slice(T * firstIndex, T * (firstIndex + count)));
        expect(part.patchLengths).toEqual(all.patchLengths.slice(firstIndex, firstIndex + count));
      }
    }
    await ort.dispose();
  });
});

describe.each(['int8', 'int4'] as const)('weights of %s', (weights) => {
  it('give about the probabilities of float32, the same for an image in any batch', async () => {
    const ort = await createOrtEngine({ threads: 1 });
    const sampler = createSampler(ort, tinyLlamaGen(), { weights });
    const options = { seed: 2, guidanceScale: 2 };
    const all = await sampler.generate({ ...options, labels: [0, 1, 2, 0, 1, 2, 0] });
    const part = await sampler.generate({ ...options, labels: [1, 2], firstIndex: 1 });
    expect(part.tokens).toEqual(all.tokens.slice(T, 3 * T));
    await ort.dispose();
  });
});

describe('errors', () => {
  const model = tinyDpar();

  it('asks for an entropy model, and for one of the same tokens', () => {
    expect(() => createSampler(engine, model)).toThrow(/expected 'entropyModel'/);
    const other = tinyEntropyModel({ vocab_size: 13 });
    expect(() => createSampler(engine, model, { entropyModel: other })).toThrow(
      /16 tokens of 12 codes, got one for 16 of 13/,
    );
  });

  const llamaGen = tinyLlamaGen();

  it('refuses another kind of model as entropy model', () => {
    expect(() => createSampler(engine, model, { entropyModel: tinyLlamaGen() })).toThrow(
      `expected 'entropyModel' to be of kind "entropy", got kind "llamagen".`,
    );
  });

  it('asks for a model that generates', () => {
    expect(() => createSampler(engine, tinyEntropyModel())).toThrow(
      'expected a model of kind "dpar" or "llamagen", got kind "entropy". Pass a model that generates images.',
    );
    const { config, parameters } = model;
    expect(() => createSampler(engine, { config, parameters } as typeof model)).toThrow(
      "createSampler: expected 'model.kind'",
    );
  });

  it('refuses patches of a model without them', async () => {
    const sampler = createSampler(engine, llamaGen);
    await expect(sampler.generate({ labels: [0], threshold: 1 })).rejects.toThrow('got threshold 1. Leave it out.');
    await expect(sampler.steps({ labels: [0], maxPatchLength: 3 }).next()).rejects.toThrow('got maxPatchLength 3.');
  });

  it('asks for labels', async () => {
    const none = {} as SampleOptions;
    await expect(createSampler(engine, llamaGen).generate(none)).rejects.toThrow(
      "Sampler.generate: expected 'labels' to be an array of numbers or an array, got undefined. Pass 'labels'.",
    );
    const misspelt = { labels: [0], cfgScale: 2 };
    await expect(createSampler(engine, llamaGen).generate(misspelt)).rejects.toThrow(
      "unknown option 'cfgScale'. Did you mean 'guidanceScale'?",
    );
  });

  it.each([
    [{ labels: [4] }, /labels from 0 to 2.*got 4/],
    [{ labels: [] }, /at least one label/],
    [{ labels: [0], temperature: 0 }, /temperature above 0, got 0/],
    [{ labels: [0], topK: -1 }, /topK.*got -1/],
    [{ labels: [0], topP: 0 }, /topP.*got 0/],
    [{ labels: [0], guidanceScale: Number.NaN }, /guidance scale/],
    [{ labels: [0], guidanceInterval: [5, 2] as const }, /guidance interval.*5 to 2/],
    [{ labels: [0, 1], prefix: [1, 2, 3] }, /prefix of K tokens for each of 2 images.*got 3/],
    [{ labels: [0], prefix: [12] }, /tokens from 0 to 11, got 12/],
  ])('refuses %o', async (options, message) => {
    await expect(createSampler(engine, llamaGen).generate(options)).rejects.toThrow(message);
  });

  it('refuses guidance and the null class of a model without one', async () => {
    const models = [
      createSampler(engine, tinyDpar({ class_dropout_prob: 0 }), { entropyModel: tinyEntropyModel() }),
      createSampler(engine, tinyLlamaGen({ class_dropout_prob: 0 })),
    ];
    for (const sampler of models) {
      await expect(sampler.generate({ labels: [0], guidanceScale: 2 })).rejects.toThrow(
        'expected a guidance scale of 1 for a model without a null class (class_dropout_prob 0), got 2. Leave guidanceScale out.',
      );
      await expect(sampler.generate({ labels: [3] })).rejects.toThrow('expected labels from 0 to 2, got 3.');
      expect((await sampler.generate({ labels: [2] })).tokens).toHaveLength(T);
    }
  });

  it('refuses weights that give no finite logits', async () => {
    const broken = {
      ...llamaGen.parameters,
      'norm.weight': { ...llamaGen.parameters['norm.weight'], data: new Float32Array(32).fill(NaN) },
    };
    const sampler = createSampler(engine, { ...llamaGen, parameters: broken as typeof llamaGen.parameters });
    await expect(sampler.generate({ labels: [0] })).rejects.toThrow('expected finite logits');
    await expect(sampler.generate({ labels: [0], greedy: true })).rejects.toThrow('expected finite logits');
  });

  it('stops when it is aborted', async () => {
    const sampler = createSampler(engine, llamaGen);
    const controller = new AbortController();
    const seen: number[] = [];
    const run = async () => {
      for await (const step of sampler.steps({ labels: [0], signal: controller.signal })) {
        seen.push(...step.positions);
        if (seen.length === 3) controller.abort();
      }
    };
    await expect(run()).rejects.toThrow(/abort/i);
    expect(seen).toEqual([0, 1, 2]);
  });
});
