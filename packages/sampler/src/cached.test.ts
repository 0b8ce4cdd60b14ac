import { hasTfjsNode } from '@dpar/config/tfjs-node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine } from '@dpar/engine-tfjs';
import { createReferenceEngine, type Engine } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSampler } from './create-sampler.js';
import type { SampleOptions } from './options.js';
import { expectLogits, redraw, withLogits } from './testing/compare.js';
import {
  offlinePatches,
  tinyDpar,
  tinyEntropyModel,
  tinyLlamaGen,
  uncachedDpar,
  uncachedLlamaGen,
} from './testing/uncached.js';

const reference = createReferenceEngine();
const engines: Record<string, () => Promise<Engine>> = {
  reference: async () => reference,
  ort: () => createOrtEngine({ threads: 2 }),
  'tfjs wasm': () => createTfjsEngine({ backend: 'wasm' }),
  ...(hasTfjsNode() && { 'tfjs node': () => createTfjsEngine({ backend: 'node' }) }),
};

/** Guided logits of each step against those of one pass without caches, relative to the largest. */
const tolerance = 1e-4;

const variants: Record<string, object> = {
  'as in the paper': {},
  'two encoder layers': { n_local_encoder_layers: 2, embedding_type: 'dynamic_3d' },
  'block-causal encoder': { encoder_block_causal: true, embedding_type: '2d' },
  'end-of-image token': { predict_eoi_token: true, embedding_type: null },
  'static patches': { patching: { mode: 'static', max_patch_length: 2.5, row_length: 4 } },
};

const optionSets: SampleOptions[] = [
  { labels: [0, 2, 1], seed: 3 },
  { labels: [0, 2, 1], seed: 4, guidanceScale: 2.5, temperature: 0.8, topK: 7 },
  { labels: [[0, 2], 1, [2, 0, 1]], seed: 8, guidanceScale: 2, prefix: [4, 5, 9, 8, 1, 3, 2, 6, 7] },
  { labels: [[0, 1, 2], [1]], seed: 5, guidanceScale: 0, topP: 0.9 },
  { labels: [0, 1], seed: 6, guidanceScale: 3, guidanceSchedule: 'cosine', guidanceInterval: [3, 12] },
  { labels: [0, 1], seed: 7, guidanceScale: 3, guidanceSchedule: 'linear', prefix: [1, 2, 3, 4, 5, 9, 8, 7, 6, 5] },
];

describe.each(Object.keys(engines))('on the engine %s', (name) => {
  describe.each(Object.keys(variants))('DPAR, %s: generation with caches', (variant) => {
    const model = tinyDpar(variants[variant]);
    const entropyModel = tinyEntropyModel();

    it('gives the logits and tokens of one pass without caches', async () => {
      const engine = await (engines[name] as () => Promise<Engine>)();
      const sampler = createSampler(engine, model, { entropyModel });
      for (const options of optionSets) {
        const { result, logits } = await withLogits(options, 16, () => sampler.generate(options));
        const expected = await uncachedDpar(reference, model, result, options);
        expectLogits(logits, expected, options, tolerance);
        expect(redraw(expected, options)).toEqual(result.tokens);
      }
      await sampler.dispose();
    });
  });

  it('LlamaGen gives the logits and tokens of one pass without caches', async () => {
    const model = tinyLlamaGen();
    const engine = await (engines[name] as () => Promise<Engine>)();
    const sampler = createSampler(engine, model);
    for (const options of optionSets) {
      const { result, logits } = await withLogits(options, 16, () => sampler.generate(options));
      const expected = await uncachedLlamaGen(reference, model, result, options);
      expectLogits(logits, expected, options, tolerance);
      expect(redraw(expected, options)).toEqual(result.tokens);
    }
    await sampler.dispose();
  });
});

/** Any way of generating some images of the tiny models. */
const anyOptions: fc.Arbitrary<SampleOptions> = fc
  .record({
    labels: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 7 }),
    seed: fc.nat(1000),
    guidanceScale: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 4, noNaN: true })),
    guidanceSchedule: fc.constantFrom('constant' as const, 'linear' as const, 'cosine' as const),
    temperature: fc.double({ min: 0.3, max: 2, noNaN: true }),
    greedy: fc.boolean(),
    topK: fc.nat(14),
    topP: fc.double({ min: 0.2, max: 1, noNaN: true }),
    threshold: fc.double({ min: 0, max: 2.4, noNaN: true }),
    maxPatchLength: fc.integer({ min: 1, max: 4 }),
    given: fc.nat(15),
  })
  .map(({ given, ...options }) => ({
    ...options,
    prefix: Array.from({ length: given * options.labels.length }, (_, i) => (5 * i + options.seed) % 12),
  }));

const anyModel = fc.record({
  n_layer: fc.integer({ min: 1, max: 3 }),
  n_head: fc.constantFrom(1, 2),
  n_local_encoder_layers: fc.integer({ min: 1, max: 3 }),
  n_local_decoder_layers: fc.integer({ min: 1, max: 3 }),
  embedding_type: fc.constantFrom('dynamic_4d', 'dynamic_3d', '2d', null),
  encoder_block_causal: fc.boolean(),
});

const anyHead = fc.record({
  hidden_width: fc.integer({ min: 1, max: 9 }),
  hidden_layers: fc.integer({ min: 1, max: 2 }),
  neighbours: fc
    .uniqueArray(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 6 })
    .map((distances) => distances.sort((a, b) => a - b)),
});

describe('any configuration, batch, threshold and guidance', () => {
  it('DPAR with caches gives the logits, tokens and patches of passes without', async () => {
    const engine = await createOrtEngine({ threads: 1 });
    await fc.assert(
      fc.asyncProperty(anyModel, fc.array(anyOptions, { minLength: 1, maxLength: 3 }), async (changes, runs) => {
        const model = tinyDpar(changes);
        const entropyModel = tinyEntropyModel({ n_layer: changes.n_layer, n_head: changes.n_head });
        const sampler = createSampler(engine, model, { entropyModel });
        for (const options of runs) {
          const { result, logits } = await withLogits(options, 16, () => sampler.generate(options));
          const expected = await uncachedDpar(engine, model, result, options);
          expectLogits(logits, expected, options, tolerance);
          expect(redraw(expected, options)).toEqual(result.tokens);
          expect(result.patchLengths).toEqual(await offlinePatches(engine, entropyModel, model, result, options));
        }
        await sampler.dispose();
      }),
      { numRuns: 20 },
    );
    await engine.dispose();
  });

  it('DPAR with a boundary head gives the logits, tokens and patches of passes without caches', async () => {
    const engine = await createOrtEngine({ threads: 1 });
    await fc.assert(
      fc.asyncProperty(
        anyModel,
        anyHead,
        fc.array(anyOptions, { minLength: 1, maxLength: 2 }),
        async (changes, head, runs) => {
          const model = tinyDpar({ ...changes, encoder_block_causal: false, boundary_head: head });
          const sampler = createSampler(engine, model);
          for (const options of runs) {
            const { result, logits } = await withLogits(options, 16, () => sampler.generate(options));
            const expected = await uncachedDpar(engine, model, result, options);
            expectLogits(logits, expected, options, tolerance);
            expect(redraw(expected, options)).toEqual(result.tokens);
            expect(result.patchLengths).toEqual(await offlinePatches(engine, model, model, result, options));
          }
          await sampler.dispose();
        },
      ),
      { numRuns: 12 },
    );
    await engine.dispose();
  });

  it('LlamaGen with caches gives the logits and tokens of passes without', async () => {
    const engine = await createOrtEngine({ threads: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(anyOptions, { minLength: 1, maxLength: 4 }), async (runs) => {
        const model = tinyLlamaGen();
        const sampler = createSampler(engine, model);
        for (const { threshold, maxPatchLength, ...options } of runs) {
          expect([threshold, maxPatchLength]).toHaveLength(2); // of patches, which this model has not
          const { result, logits } = await withLogits(options, 16, () => sampler.generate(options));
          const expected = await uncachedLlamaGen(engine, model, result, options);
          expectLogits(logits, expected, options, tolerance);
          expect(redraw(expected, options)).toEqual(result.tokens);
        }
        await sampler.dispose();
      }),
      { numRuns: 10 },
    );
    await engine.dispose();
  });
});
