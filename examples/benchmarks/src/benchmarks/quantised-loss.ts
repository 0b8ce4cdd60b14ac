import { createOrtEngine } from '@dpar/engine-ort';
import type { Engine, WeightFormat } from '@dpar/tensor';
import { createValidator } from '@dpar/train';
import { type Benchmark, medians } from '../benchmark.js';
import { loadEmojiTokens } from '../quantisation/emoji-tokens.js';
import { type Trained, trainDpar, trainLlamaGen } from '../quantisation/train.js';

/** Change of the validation loss of a small model, trained on emoji, when its weights are quantised. */
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

/** Mean validation loss in nats per token, with the weights of products in the given format. */
async function lossWith(engine: Engine, { model, validation }: Trained, weights: WeightFormat): Promise<number> {
  const validator = createValidator(engine, model, { constants: model.parameters, weights });
  try {
    return await validator.loss({}, validation, 16);
  } finally {
    await validator.dispose();
  }
}
