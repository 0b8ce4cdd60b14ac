import { type EntropyModelConfig, entropyModel, entropyModelSpecs, readEntropyModelConfig } from '@dpar/entropy';
import {
  type DparConfig,
  dpar,
  dparInputs,
  dparSpecs,
  llamaGen,
  llamaGenSpecs,
  patchingOptions,
  readDparConfig,
  readLlamaGenConfig,
} from '@dpar/model';
import { initializeParameters, type ParameterSpecs } from '@dpar/nn';
import { padPatchLengths, patchLengths } from '@dpar/patchify';
import { createRandom, createReferenceEngine, type HostTensor, int32, named, type Tensors } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { DparSampler } from './dpar.js';
import { nextTokens } from './draw.js';
import { LlamaGenSampler } from './llamagen.js';
import { type SampleOptions, tokenUniforms } from './options.js';

const engine = createReferenceEngine();
const shared = { dim: 32, n_layer: 1, n_head: 2, multiple_of: 16, vocab_size: 12, block_size: 16, num_classes: 3 };
const entropyConfig: EntropyModelConfig = readEntropyModelConfig(shared);

/** Initial weights, with an output layer that makes predictions differ. */
function weights(specs: ParameterSpecs, seed: number): Record<string, HostTensor> {
  const parameters = initializeParameters(specs, seed);
  createRandom(seed, 99).fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.5 });
  return parameters;
}

const variants: Record<string, object> = {
  'as in the paper': {},
  'two encoder layers': { n_local_encoder_layers: 2, embedding_type: 'dynamic_3d' },
  'block-causal encoder': { encoder_block_causal: true, embedding_type: '2d' },
  'end-of-image token': { predict_eoi_token: true, embedding_type: null },
  'static patches': { patching: { mode: 'static', max_patch_length: 2.5, row_length: 4 } },
};

function configOf(variant: string): DparConfig {
  return readDparConfig({
    ...shared,
    n_local_encoder_layers: 1,
    n_local_decoder_layers: 2,
    cls_token_num: 1,
    embedding_type: 'dynamic_4d',
    patching: { threshold: 1.2, max_patch_length: 3, row_length: 4 },
    ...variants[variant],
  });
}

/**
 * Draws all tokens again from the logits of one pass without caches over the finished images.
 * @param logits [rows, N, V']: for each position, the first V of V' count.
 */
function redraw(logits: HostTensor, V: number, T: number, options: SampleOptions): Int32Array {
  const [rows = 0, N = 0, width = 0] = logits.shape;
  const B = options.labels.length;
  const uniforms = tokenUniforms(options, T);
  const tokens = new Int32Array(B * T);
  for (let position = 0; position < T; position++) {
    const at = new Float32Array(rows * V);
    for (let row = 0; row < rows; row++) {
      const from = (row * N + position) * width;
      at.set(logits.data.subarray(from, from + V) as Float32Array, row * V);
    }
    nextTokens(at, V, options, uniforms, position).forEach((token, image) => {
      tokens[image * T + position] = token;
    });
  }
  return tokens;
}

const optionSets: SampleOptions[] = [
  { labels: [0, 2, 1], seed: 3 },
  { labels: [0, 2, 1], seed: 4, guidanceScale: 2.5, temperature: 0.8, topK: 7 },
  { labels: [1, 1], seed: 5, guidanceScale: 0, topP: 0.9 },
  { labels: [0, 1], seed: 6, guidanceScale: 3, guidanceSchedule: 'cosine', guidanceInterval: [3, 12] },
  { labels: [0, 1], seed: 7, guidanceScale: 3, guidanceSchedule: 'linear', prefix: [1, 2, 3, 4, 5, 9, 8, 7, 6, 5] },
];

describe.each(Object.keys(variants))('DPAR, %s: generation with caches', (variant) => {
  const config = configOf(variant);
  const { blockSize: T, vocabSize: V, numClasses } = config;
  const parameters = weights(dparSpecs(config), 1);
  const entropyParameters = weights(entropyModelSpecs(entropyConfig), 2);
  const sampler = new DparSampler(
    engine,
    { config, parameters },
    { config: entropyConfig, parameters: entropyParameters },
  );

  it.each(optionSets)('draws what one pass without caches gives: %o', async (options) => {
    const { tokens, patchLengths: lengths } = await sampler.generate(options);
    const copies = options.guidanceScale === undefined ? 1 : 2;
    const labels = Array.from(options.labels);
    const rows = labels.length * copies;
    const complete = lengths.map((image) => (config.predictEoiToken ? Int32Array.of(...image, 1) : image));
    const inputs = dparInputs(
      config,
      int32([rows, T], copies === 2 ? [...tokens, ...tokens] : tokens),
      int32([rows], copies === 2 ? [...labels, ...labels.map(() => numClasses)] : labels),
      padPatchLengths(copies === 2 ? [...complete, ...complete] : complete),
    );
    const forward = engine.compile((ops, x) => ({
      logits: dpar(ops, config, x, {
        tokens: named(x, 'tokens'),
        labels: named(x, 'labels'),
        globalTable: named(x, 'globalTable'),
        slotToken: named(x, 'slotToken'),
        tokenSlot: named(x, 'tokenSlot'),
        slotMask: named(x, 'slotMask'),
      }).logits,
    }));
    const outputs = await forward.run({ ...parameters, ...(inputs as Tensors<HostTensor>) });
    expect(redraw(named(outputs, 'logits'), V, T, options)).toEqual(tokens);
  });

  it('completes given tokens', async () => {
    const prefix = Array.from({ length: 2 * 9 }, (_, i) => (5 * i) % 12);
    const { tokens } = await sampler.generate({ labels: [0, 1], seed: 1, prefix });
    expect(Array.from(tokens.slice(0, 9))).toEqual(prefix.slice(0, 9));
    expect(Array.from(tokens.slice(T, T + 9))).toEqual(prefix.slice(9));
  });

  it('patches online as offline on the finished image', async () => {
    const { tokens, patchLengths: lengths } = await sampler.generate({ labels: [0, 1, 2], seed: 8 });
    const compiled = engine.compile((ops, x) => ({
      entropies: entropyModel(ops, entropyConfig, x, named(x, 'tokens')).entropies,
    }));
    const { entropies } = await compiled.run({ ...entropyParameters, tokens: int32([3, T], tokens) });
    lengths.forEach((image, b) => {
      const own = (entropies?.data ?? []).slice(b * (T - 1), (b + 1) * (T - 1));
      expect(image).toEqual(patchLengths(own, { ...patchingOptions(config), endOfImage: false }));
    });
    expect(new Set(lengths.map((image) => image.length)).size).toBeGreaterThan(variant === 'static patches' ? 0 : 1);
  });

  it('gives image k whatever its neighbours are', async () => {
    const options = { seed: 11, guidanceScale: 1.5 };
    const all = await sampler.generate({ ...options, labels: [0, 1, 2, 0] });
    const part = await sampler.generate({ ...options, labels: [1, 2], firstIndex: 1 });
    expect(part.tokens).toEqual(all.tokens.slice(T, 3 * T));
    expect(part.patchLengths).toEqual(all.patchLengths.slice(1, 3));
  });
});

describe('LlamaGen: generation with caches', () => {
  const config = readLlamaGenConfig({ ...shared, n_layer: 2, cls_token_num: 1 });
  const parameters = weights(llamaGenSpecs(config), 1);

  it.each(optionSets)('draws what one pass without caches gives: %o', async (options) => {
    const { blockSize: T, vocabSize: V, numClasses } = config;
    const { tokens } = await new LlamaGenSampler(engine, config, parameters).generate(options);
    const copies = options.guidanceScale === undefined ? 1 : 2;
    const labels = Array.from(options.labels);
    const forward = engine.compile((ops, x) => ({
      logits: llamaGen(ops, config, x, named(x, 'tokens'), named(x, 'labels')).logits,
    }));
    const outputs = await forward.run({
      ...parameters,
      tokens: int32([labels.length * copies, T], copies === 2 ? [...tokens, ...tokens] : tokens),
      labels: int32([labels.length * copies], copies === 2 ? [...labels, ...labels.map(() => numClasses)] : labels),
    });
    expect(redraw(named(outputs, 'logits'), V, T, options)).toEqual(tokens);
  });
});

describe('errors', () => {
  const config = configOf('as in the paper');
  const model = { config, parameters: weights(dparSpecs(config), 1) };

  it('asks for an entropy model, and for one of the same tokens', () => {
    expect(() => new DparSampler(engine, model)).toThrow(/expected an entropy model/);
    const other = { config: { ...entropyConfig, vocabSize: 13 }, parameters: {} };
    expect(() => new DparSampler(engine, model, other)).toThrow(/16 tokens of 12 codes, got one for 16 of 13/);
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
    const llamaGenConfig = readLlamaGenConfig({ ...shared, cls_token_num: 1 });
    const sampler = new LlamaGenSampler(engine, llamaGenConfig, weights(llamaGenSpecs(llamaGenConfig), 1));
    await expect(sampler.generate(options)).rejects.toThrow(message);
  });

  it('stops when it is aborted', async () => {
    const llamaGenConfig = readLlamaGenConfig({ ...shared, cls_token_num: 1 });
    const sampler = new LlamaGenSampler(engine, llamaGenConfig, weights(llamaGenSpecs(llamaGenConfig), 1));
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
