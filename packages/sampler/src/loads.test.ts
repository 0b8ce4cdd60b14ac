import { createOrtEngine } from '@dpar/engine-ort';
import { createRandom, createReferenceEngine } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DparSampler } from './dpar.js';
import { type LoadPlan, lockstep } from './loads.js';
import { tinyDpar, tinyEntropyModel } from './testing/uncached.js';

/** Runs any number of the waiting images, or none. */
function anyPlan(seed: number): LoadPlan {
  const random = createRandom(seed);
  return ({ ready, waiting }) => (ready === 0 ? Math.min(waiting, 1) : random.integer(waiting + 1));
}

const head = { hidden_width: 8, neighbours: [1, 2, 3, 4, 5], threshold: 0 };

const anyModel = fc.record({
  embedding_type: fc.constantFrom('dynamic_4d', 'dynamic_3d', '2d', null),
  predict_eoi_token: fc.boolean(),
  n_local_encoder_layers: fc.integer({ min: 1, max: 2 }),
});

describe('images with positions of their own', () => {
  it.each(['entropy model', 'boundary head'])('are those of lockstep, token for token, with the %s', async (source) => {
    const ort = await createOrtEngine({ threads: 1 });
    const engines = [createReferenceEngine(), ort];
    await fc.assert(
      fc.asyncProperty(
        anyModel,
        fc.constantFrom(...engines),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        async (changes, engine, images, batchSize, seed) => {
          const isHead = source === 'boundary head';
          const model = tinyDpar({ ...changes, ...(isHead && { boundary_head: head }) });
          const models = isHead ? {} : { entropyModel: tinyEntropyModel() };
          const options = {
            labels: Array.from({ length: images }, (_, i) => i % 3),
            seed,
            guidanceScale: seed % 2 === 0 ? 1 : 2,
          };
          const together = new DparSampler(engine, model, models, lockstep);
          const apart = new DparSampler(engine, model, models, anyPlan(seed));
          const expected = await together.generate(options);
          expect(await apart.generate({ ...options, batchSize })).toEqual(expected);
          await Promise.all([together.dispose(), apart.dispose()]);
        },
      ),
      { numRuns: 25 },
    );
    await ort.dispose();
  });
});
