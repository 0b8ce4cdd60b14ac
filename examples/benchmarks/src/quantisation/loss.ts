import { type Engine, named, type WeightFormat } from '@dpar/tensor';
import { sizeOfSet, sliceImages } from '@dpar/train';
import type { Trained } from './train.js';

const batchSize = 16;

/** Mean validation loss in nats per token, with the weights of products in the given format. */
export async function lossWith(
  engine: Engine,
  { model, parameters, validation }: Trained,
  weights: WeightFormat,
): Promise<number> {
  const compiled = engine.compile((ops, inputs) => ({ loss: named(model.outputs(ops, inputs), 'loss') }), {
    constants: parameters,
    weights,
  });
  const { images } = sizeOfSet(validation);
  let sum = 0;
  try {
    for (let start = 0; start < images; start += batchSize) {
      const count = Math.min(batchSize, images - start);
      const { data } = named(await compiled.run(model.inputs(sliceImages(validation, start, count))), 'loss');
      sum += count * (data[0] as number);
    }
  } finally {
    await compiled.dispose();
  }
  return sum / images;
}
