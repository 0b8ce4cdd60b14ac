import { createOrtEngine } from '@dpar/engine-ort';
import type { WeightFormat } from '@dpar/tensor';
import { type Benchmark, medians } from '../benchmark.js';
import { loadEmojiTokens } from '../quantisation/emoji-tokens.js';
import { lossWith } from '../quantisation/loss.js';
import { trainDpar, trainLlamaGen } from '../quantisation/train.js';

/** How much the validation loss of a small model, trained on emoji, changes when its weights are quantised. */
export function quantisedLoss(model: 'dpar' | 'llamagen', weights: Exclude<WeightFormat, 'float32'>): Benchmark {
  const name = `quantised-loss/${model}/${weights}`;
  return {
    name,
    group: name,
    // It is no time: the same each time.
    maxRounds: 1,
    onlyWith: 'quantised-loss',
    prepare: async ({ threads }) => {
      const engine = await createOrtEngine({ threads });
      const train = model === 'dpar' ? trainDpar : trainLlamaGen;
      const trained = await train(engine, await loadEmojiTokens(engine));
      return {
        measure: async () => ({
          lossFloat32: await lossWith(engine, trained, 'float32'),
          lossQuantised: await lossWith(engine, trained, weights),
        }),
      };
    },
    figures: (samples) => {
      const { lossFloat32 = Number.NaN, lossQuantised = Number.NaN } = medians(samples);
      return { lossFloat32, lossQuantised, changePercent: 100 * (lossQuantised / lossFloat32 - 1) };
    },
  };
}
