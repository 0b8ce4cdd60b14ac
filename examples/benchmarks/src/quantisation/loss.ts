import type { Engine, WeightFormat } from '@dpar/tensor';
import { createValidator } from '@dpar/train';
import type { Trained } from './train.js';

const batchSize = 16;

/** Mean validation loss in nats per token, with the weights of products in the given format. */
export async function lossWith(engine: Engine, { model, validation }: Trained, weights: WeightFormat): Promise<number> {
  const validator = createValidator(engine, model, { constants: model.parameters, weights });
  try {
    return await validator.loss({}, validation, batchSize);
  } finally {
    await validator.dispose();
  }
}
