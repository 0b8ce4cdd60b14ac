import type { EmojiModel } from '@dpar/emoji';
import { loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { dparKind } from '@dpar/model';
import { createSampler, needsEntropyModel } from '@dpar/sampler';
import { type CompiledFunction, type Engine, sizeOf } from '@dpar/tensor';
import { tokenizerMacs } from '@dpar/tokenizer';
import { beforeAll, describe, expect, it } from 'vitest';
import { withHead, withoutHead } from '../testing/heads.js';
import {
  dparCost,
  entropyCost,
  llamaGenCost,
  type ModelCosts,
  networkRuns,
  operationSaving,
  savingWithoutEntropies,
  wholeCost,
} from './costs.js';
import { type ComparedModels, countCosts, countWeights } from './count-costs.js';

let configs: ComparedModels;
let configsWithHead: ComparedModels;
let models: ModelCosts;
let modelsWithHead: ModelCosts;
beforeAll(async () => {
  const model = await loadEmojiModel();
  configs = configsOf(withoutHead(model));
  configsWithHead = configsOf(withHead(model));
  models = countCosts(configs);
  modelsWithHead = countCosts(configsWithHead);
});

const configsOf = ({ tokenizer, dpar, entropy, llamagen }: EmojiModel): ComparedModels => ({
  tokenizer,
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
    const entropies = entropyCost(models);
    expect(dparCost(models, { patches: 100, isGuided: false })).toBe(once + entropies);
    expect(dparCost(models, { patches: 100, isGuided: true })).toBe(2 * once - 256 * encoderOfToken + entropies);
    expect(1 - savingWithoutEntropies(models, 100)).toBeCloseTo(once / llamaGenCost(models, false), 12);
    const llamaGen = 256 * (7 * (4 * 160 ** 2 + 3 * 160 * 494 + 8 * 160) + 1024 * 160);
    expect(llamaGenCost(models, false)).toBe(llamaGen);
    expect(llamaGenCost(models, true)).toBe(2 * llamaGen);
    expect(dparCost(models, { patches: Number.NaN, isGuided: false })).toBeNaN();
  });

  it('count the decoder of the tokenizer, which both need once', () => {
    const image = { patches: 100, isGuided: true };
    const decoder = models.tokenizerDecoder;
    expect(decoder).toBe(tokenizerMacs(configs.tokenizer).decode);
    expect(wholeCost(models, 'dpar', image)).toBe(dparCost(models, image) + decoder);
    expect(wholeCost(models, 'llamagen', image)).toBe(llamaGenCost(models, true) + decoder);
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
    expect(dparCost(modelsWithHead, image) - 255 * head).toBe(dparCost(models, image) - entropyCost(models));
    const saving = 1 - dparCost(modelsWithHead, image) / llamaGenCost(models, true);
    expect(operationSaving(modelsWithHead, image)).toBeCloseTo(saving, 12);
    const weights = head + 255 * 16 + 16 + 16 + 1;
    const others = Object.values(dparKind.specs(configs.dpar)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(countWeights(configsWithHead)).toMatchObject({ dpar: others, entropies: weights });
  });
});

it.each([withHead, withoutHead])('counts the runs of networks that samplers do, %o', async (variant) => {
  const model = variant(await loadEmojiModel());
  const costs = countCosts(configsOf(model));
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
  expect(runs).toBe(networkRuns(costs.dpar, patchLengths[0]?.length ?? 0));
  runs = 0;
  await createSampler(counting, model.llamagen).generate({ labels: [2], seed: 4 });
  expect(runs).toBe(networkRuns(costs.llamagen, 0));
  await engine.dispose();
});
