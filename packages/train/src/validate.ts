import { type CompiledFunction, type Engine, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { scalarOf } from './step.js';
import { sizeOfSet, type TokenSet, takeImages } from './token-set.js';
import type { TrainableModel } from './trainable.js';

/** Loss of a model over whole sets. */
export interface Validator {
  /**
   * Mean cross-entropy over all predicted tokens of a set, in nats per token. Labels are used as they are.
   * @throws The signal's reason if it is aborted.
   */
  loss(parameters: Tensors<HostTensor>, set: TokenSet, batchSize: number, signal?: AbortSignal): Promise<number>;
  dispose(): Promise<void>;
}

/** A validator; the forward pass alone is compiled, with the parameters as inputs. */
export function createValidator(engine: Engine, model: TrainableModel): Validator {
  const compiled: CompiledFunction = engine.compile((ops, inputs) => ({
    loss: named(model.outputs(ops, inputs), 'loss'),
  }));
  return {
    async loss(parameters, set, batchSize, signal) {
      const order = imagesByPatchCount(model, set);
      let sum = 0;
      for (let start = 0; start < order.length; start += batchSize) {
        signal?.throwIfAborted();
        const images = order.subarray(start, start + batchSize);
        const inputs = model.inputs(takeImages(set, images));
        const { loss } = await compiled.run({ ...parameters, ...inputs });
        // Each image has as many predicted tokens as any other.
        if (loss !== undefined) sum += scalarOf(loss) * images.length;
      }
      return sum / order.length;
    },
    dispose: () => compiled.dispose(),
  };
}

/** All images of a set, those with few patches first, so that batches hardly need padding. */
function imagesByPatchCount(model: TrainableModel, set: TokenSet): Int32Array {
  const order = Int32Array.from({ length: sizeOfSet(set).images }, (_, i) => i);
  const counts = model.patchCounts(set);
  return counts === undefined ? order : order.sort((a, b) => (counts[a] as number) - (counts[b] as number));
}
