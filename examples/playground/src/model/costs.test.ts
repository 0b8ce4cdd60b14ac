import { loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createSampler } from '@dpar/sampler';
import type { CompiledFunction, Engine } from '@dpar/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ComparedModels, dparCost, entropyCost, llamaGenCost, networkRuns, operationSaving } from './costs.js';

let models: ComparedModels;
beforeAll(async () => {
  const { dpar, entropy, llamagen } = await loadEmojiModel();
  models = { dpar: dpar.config, entropy: entropy.config, llamagen: llamagen.config };
});

describe('the costs of an image', () => {
  // By hand from the shapes: width 160, feed-forward 448 (LlamaGen 494), 1024 codes, 256 tokens.
  const block = 4 * 160 ** 2 + 3 * 160 * 448;
  const perToken = 3 * (block + 8 * 160) + 1024 * 160 + 2 * 160 ** 2;
  const perPatch = 4 * (block + 8 * 160) + 4 * 160 ** 2;
  const encoderOfToken = block + 8 * 160 + 2 * 160 ** 2;

  it('count what runs once and what guidance runs twice', () => {
    const once = 256 * perToken + 100 * perPatch;
    expect(dparCost(models, { patches: 100, isGuided: false })).toBe(once);
    expect(dparCost(models, { patches: 100, isGuided: true })).toBe(2 * once - 256 * encoderOfToken);
    const llamaGen = 256 * (7 * (4 * 160 ** 2 + 3 * 160 * 494 + 8 * 160) + 1024 * 160);
    expect(llamaGenCost(models, false)).toBe(llamaGen);
    expect(llamaGenCost(models, true)).toBe(2 * llamaGen);
  });

  it('count the entropy model, of width 96, in the saving', () => {
    const entropy = 256 * (3 * (4 * 96 ** 2 + 3 * 96 * 256 + 8 * 96) + 1024 * 96);
    expect(entropyCost(models)).toBe(entropy);
    const saving = 1 - (256 * perToken + 100 * perPatch + entropy) / llamaGenCost(models, false);
    expect(operationSaving(models, { patches: 100, isGuided: false })).toBeCloseTo(saving, 12);
    // Every token its own patch: DPAR costs more.
    expect(operationSaving(models, { patches: 256, isGuided: false })).toBeLessThan(0);
  });
});

it('counts the runs of networks that samplers do', async () => {
  const model = await loadEmojiModel();
  const engine = await createOrtEngine();
  let runs = 0;
  const counting: Engine = Object.create(engine, {
    compile: {
      value: (...args: Parameters<Engine['compile']>): CompiledFunction => {
        const compiled = engine.compile(...args);
        const run: CompiledFunction['run'] = (...inputs) => {
          runs++;
          return compiled.run(...inputs);
        };
        return Object.create(compiled, { run: { value: run } });
      },
    },
  });
  const { patchLengths } = await createSampler(counting, model.dpar, { entropyModel: model.entropy }).generate({
    labels: [2],
    seed: 4,
  });
  expect(runs).toBe(networkRuns('dpar', 256, patchLengths[0]?.length ?? 0));
  runs = 0;
  await createSampler(counting, model.llamagen).generate({ labels: [2], seed: 4 });
  expect(runs).toBe(networkRuns('llamagen', 256, 256));
  await engine.dispose();
});
