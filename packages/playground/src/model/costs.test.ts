import type { EmojiModel } from '@dpar/emoji';
import { loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { dparKind } from '@dpar/model';
import { createSampler, needsEntropyModel } from '@dpar/sampler';
import { type CompiledFunction, type Engine, sizeOf } from '@dpar/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { withHead, withoutHead } from '../testing/heads.js';
import {
  type ComparedModels,
  countWeights,
  dparCost,
  dparRuns,
  entropyCost,
  llamaGenCost,
  llamaGenRuns,
  operationSaving,
} from './costs.js';

let models: ComparedModels;
let modelsWithHead: ComparedModels;
beforeAll(async () => {
  const model = await loadEmojiModel();
  models = configsOf(withoutHead(model));
  modelsWithHead = configsOf(withHead(model));
});

const configsOf = ({ dpar, entropy, llamagen }: EmojiModel): ComparedModels => ({
  dpar: dpar.config,
  entropy: entropy.config,
  llamagen: llamagen.config,
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

  it('count the boundary head, of width 16 with 8 neighbours, in place of the entropy model', () => {
    const head = 8 * 160 * 16 + 16 * 16 + 16;
    expect(entropyCost(modelsWithHead)).toBe(255 * head);
    const image = { patches: 100, isGuided: true };
    expect(dparCost(modelsWithHead, image)).toBe(dparCost(models, image));
    const added = (255 * head) / llamaGenCost(models, true);
    const saving = 1 - dparCost(models, image) / llamaGenCost(models, true) - added;
    expect(operationSaving(modelsWithHead, image)).toBeCloseTo(saving, 12);
    const weights = head + 255 * 16 + 16 + 16 + 1;
    const others = Object.values(dparKind.specs(models.dpar)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(countWeights(modelsWithHead)).toMatchObject({ dpar: others, entropies: weights });
  });
});

it.each([withHead, withoutHead])('counts the runs of networks that samplers do, %o', async (variant) => {
  const model = variant(await loadEmojiModel());
  const configs = configsOf(model);
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
  const entropyModel = needsEntropyModel(model.dpar) ? model.entropy : undefined;
  const { patchLengths } = await createSampler(counting, model.dpar, { entropyModel }).generate({
    labels: [2],
    seed: 4,
  });
  expect(runs).toBe(dparRuns(configs, patchLengths[0]?.length ?? 0));
  runs = 0;
  await createSampler(counting, model.llamagen).generate({ labels: [2], seed: 4 });
  expect(runs).toBe(llamaGenRuns(configs));
  await engine.dispose();
});
