import { createOrtEngine } from '@dpar/engine-ort';
import type { DparConfig, LlamaGenConfig } from '@dpar/model';
import { createReferenceEngine } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { DparSampler } from './dpar.js';
import { LlamaGenSampler } from './llamagen.js';
import type { SampleOptions } from './options.js';
import { tinyDpar, tinyEntropyModel, tinyLlamaGen } from './testing/uncached.js';

const engine = createReferenceEngine();
const T = 16;

describe('DparSampler', () => {
  const sampler = new DparSampler(engine, tinyDpar(), tinyEntropyModel());

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

  it('says how long each stage took', async () => {
    const timed = new DparSampler(engine, tinyDpar(), tinyEntropyModel());
    expect(timed.stageSeconds).toEqual({});
    await timed.generate({ labels: [0] });
    const once = timed.stageSeconds;
    expect(Object.keys(once).sort()).toEqual(['decoder', 'draw', 'encoder', 'entropy', 'global']);
    await timed.generate({ labels: [0] });
    for (const [stage, seconds] of Object.entries(once)) expect(timed.stageSeconds[stage]).toBeGreaterThan(seconds);
  });

  it('runs no entropy model for patches that do not depend on entropies', async () => {
    const model = tinyDpar({ patching: { mode: 'static', max_patch_length: 2, row_length: 4 } });
    const fixed = new DparSampler(engine, model, tinyEntropyModel());
    const { patchLengths } = await fixed.generate({ labels: [0] });
    expect(patchLengths[0]).toEqual(new Int32Array(8).fill(2));
    expect(fixed.stageSeconds).not.toHaveProperty('entropy');
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
    const many = new DparSampler(counting, tinyDpar(), tinyEntropyModel());
    for (const size of [5, 7, 16]) await many.generate({ labels: new Array(size).fill(1), guidanceScale: 2 });
    expect(compiled.map((fn) => fn.signatures)).toEqual([1, 1, 1, 1]);
    await many.generate({ labels: [1], guidanceScale: 2 });
    expect(compiled.map((fn) => fn.signatures)).toEqual([2, 2, 2, 2]);
    await ort.dispose();
  });
});

describe.each(['int8', 'int4'] as const)('weights of %s', (weights) => {
  it('give about the probabilities of float32, the same for an image in any batch', async () => {
    const ort = await createOrtEngine({ threads: 1 });
    const { config, parameters } = tinyLlamaGen();
    const sampler = new LlamaGenSampler(ort, { config, parameters }, { weights });
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
    expect(() => new DparSampler(engine, model)).toThrow(/expected an entropy model/);
    const other = tinyEntropyModel({ vocab_size: 13 });
    expect(() => new DparSampler(engine, model, other)).toThrow(/16 tokens of 12 codes, got one for 16 of 13/);
  });

  const { config, parameters } = tinyLlamaGen();

  it('asks for configurations as they are read, of the right kind', () => {
    const json = { config: { kind: 'dpar', patching: {} } as unknown as DparConfig, parameters };
    expect(() => new DparSampler(engine, json)).toThrow('expected the configuration of a DPAR, got another');
    const llamaGen = { config: config as unknown as DparConfig, parameters };
    expect(() => new DparSampler(engine, llamaGen)).toThrow('expected the configuration of a DPAR, got another');
    const both = { config, parameters } as unknown as LlamaGenConfig;
    expect(() => new LlamaGenSampler(engine, { config: both, parameters })).toThrow(
      'expected the configuration of a LlamaGen',
    );
  });

  it('asks for labels', async () => {
    const none = {} as SampleOptions;
    await expect(new LlamaGenSampler(engine, { config, parameters }).generate(none)).rejects.toThrow(
      "LlamaGenSampler.generate: expected 'labels' to be an array of numbers, got undefined. Pass 'labels'.",
    );
    const misspelt = { labels: [0], cfgScale: 2 };
    await expect(new LlamaGenSampler(engine, { config, parameters }).generate(misspelt)).rejects.toThrow(
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
    await expect(new LlamaGenSampler(engine, { config, parameters }).generate(options)).rejects.toThrow(message);
  });

  it('refuses weights that give no finite logits', async () => {
    const broken = {
      ...parameters,
      'norm.weight': { ...parameters['norm.weight'], data: new Float32Array(32).fill(NaN) },
    };
    const sampler = new LlamaGenSampler(engine, { config, parameters: broken as typeof parameters });
    await expect(sampler.generate({ labels: [0] })).rejects.toThrow('expected finite logits');
    await expect(sampler.generate({ labels: [0], greedy: true })).rejects.toThrow('expected finite logits');
  });

  it('stops when it is aborted', async () => {
    const sampler = new LlamaGenSampler(engine, { config, parameters });
    const controller = new AbortController();
    const seen: number[] = [];
    const run = async () => {
      for await (const step of sampler.steps({ labels: [0], signal: controller.signal })) {
        seen.push(step.position);
        if (step.position === 2) controller.abort();
      }
    };
    await expect(run()).rejects.toThrow(/abort/i);
    expect(seen).toEqual([0, 1, 2]);
  });
});
